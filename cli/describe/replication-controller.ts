/** A replication controller: how many pods it has in which state. */
import type { Pod, ReplicationController } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatPhases, readOwnedPods } from './owned-pods.ts'
import { formatPairs, Page } from './page.ts'
import { describePodTemplate } from './pod-template.ts'

export const replicationControllerDescriber: Describer<ReplicationController, Pod[]> = {
  kind: 'ReplicationController',
  group: '',
  // Its selector is a map: a label selector of nothing but these.
  read: (session, controller) =>
    readOwnedPods(session, { ...controller, spec: { selector: { matchLabels: controller.spec.selector } } }),
  describe({ metadata, spec, status }, pods, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.line(0, 'Selector:', formatPairs(spec.selector))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'Replicas:', `${status?.replicas ?? 0} current / ${spec.replicas ?? 1} desired`)
    page.line(0, 'Pods Status:', formatPhases(pods))
    describePodTemplate(spec.template, page)
    page.conditions(status?.conditions)
    return describeEvents(page, events, now).toString()
  },
}
