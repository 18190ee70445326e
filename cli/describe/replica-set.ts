/** A replica set: how many pods it has in which state. */
import type { Pod, ReplicaSet } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatPhases, readOwnedPods } from './owned-pods.ts'
import { Page } from './page.ts'
import { describePodTemplate } from './pod-template.ts'

export const replicaSetDescriber: Describer<ReplicaSet, Pod[]> = {
  kind: 'ReplicaSet',
  group: 'apps',
  read: readOwnedPods,
  describe(set, pods, events, now) {
    const { metadata, spec, status } = set
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.line(0, 'Selector:', formatLabelSelector(spec.selector))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.controlledBy(set)
    page.line(0, 'Replicas:', `${status?.replicas ?? 0} current / ${spec.replicas ?? 1} desired`)
    page.line(0, 'Pods Status:', formatPhases(pods))
    describePodTemplate(spec.template, page)
    page.conditions(status?.conditions)
    return describeEvents(page, events, now).toString()
  },
}
