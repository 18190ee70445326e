/** Drops from incoming objects what no scheduling decision reads: most of a pod's size in a cluster of thousands. */
import type { Container, Pod, ReplicaSet, StatefulSet } from '../api/generated/types.ts'
import type { KubeObject } from '../api/object.ts'

const unread = [
  'args',
  'command',
  'env',
  'envFrom',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'securityContext',
  'startupProbe',
  'volumeMounts',
] as const satisfies (keyof Container)[]

const trimMetadata = <T extends KubeObject>(object: T): T => {
  delete object.metadata.managedFields
  return object
}

const trimContainers = (containers: readonly Container[] = []): void => {
  for (const container of containers) for (const field of unread) delete container[field]
}

const trimTemplate = <T extends ReplicaSet | StatefulSet>(set: T): T => {
  trimMetadata(set)
  if (set.spec && 'template' in set.spec) delete (set.spec as { template?: unknown }).template
  delete set.status
  return set
}

export const trimForScheduling = {
  Pod(pod: Pod): Pod {
    trimMetadata(pod)
    delete pod.metadata.annotations
    trimContainers(pod.spec.containers)
    trimContainers(pod.spec.initContainers)
    delete pod.status?.containerStatuses
    delete pod.status?.initContainerStatuses
    return pod
  },
  ReplicaSet: (set: ReplicaSet): ReplicaSet => trimTemplate(set),
  StatefulSet: (set: StatefulSet): StatefulSet => trimTemplate(set),
}
