/** A replica set: how many pods it has in which state. */
import type { Pod, ReplicaSet } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import { controllerOf } from '../../api/object.ts'
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
    const owner = controllerOf(set)
    if (owner) page.line(0, 'Controlled By:', `${owner.kind}/${owner.name}`)
    page.line(0, 'Replicas:', `${status?.replicas ?? 0} current / ${spec.replicas ?? 1} desired`)
    page.line(0, 'Pods Status:', formatPhases(pods))
    describePodTemplate(spec.template, page)
    if (status?.conditions?.length) {
      page.line(0, 'Conditions:').line(1, 'Type', 'Status', 'Reason').line(1, '----', '------', '------')
      for (const { type, status: value, reason } of status.conditions) page.line(1, `${type} `, value, reason)
    }
    return describeEvents(page, events, now).toString()
  },
}
