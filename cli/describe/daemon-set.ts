/** A daemon set: on how many nodes its pods shall be, and are. */
import type { DaemonSet, Pod } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatPhases, readOwnedPods } from './owned-pods.ts'
import { formatPairs, Page } from './page.ts'
import { describePodTemplate } from './pod-template.ts'

export const daemonSetDescriber: Describer<DaemonSet, Pod[]> = {
  kind: 'DaemonSet',
  group: 'apps',
  read: readOwnedPods,
  describe({ metadata, spec, status }, pods, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Selector:', formatLabelSelector(spec.selector))
    page.line(0, 'Node-Selector:', formatPairs(spec.template.spec?.nodeSelector))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    // No columns: a space, not a tab, stands before these numbers.
    page.line(0, `Desired Number of Nodes Scheduled: ${status?.desiredNumberScheduled ?? 0}`)
    page.line(0, `Current Number of Nodes Scheduled: ${status?.currentNumberScheduled ?? 0}`)
    page.line(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status?.updatedNumberScheduled ?? 0}`)
    page.line(0, `Number of Nodes Scheduled with Available Pods: ${status?.numberAvailable ?? 0}`)
    page.line(0, `Number of Nodes Misscheduled: ${status?.numberMisscheduled ?? 0}`)
    page.line(0, 'Pods Status:', formatPhases(pods))
    describePodTemplate(spec.template, page)
    return describeEvents(page, events, now).toString()
  },
}
