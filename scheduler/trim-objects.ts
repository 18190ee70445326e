/** Drops from incoming objects what no scheduling decision reads: most of a pod's size in a cluster of thousands. */
import type { Container, ContainerStatus, Pod, ReplicaSet, StatefulSet } from '../api/generated/types.ts'
import { deepEqual } from '../api/json.ts'
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

/** A container that is being resized holds what it had until the kubelet says otherwise. */
function heldBeyondSpec({ spec, status }: Pod): ContainerStatus[] {
  const asked = (name: string) => spec.containers.find((container) => container.name === name)?.resources?.requests
  return (status?.containerStatuses ?? [])
    .filter(({ name, allocatedResources }) => allocatedResources !== undefined && !deepEqual(allocatedResources, asked(name)))
    .map(({ name, allocatedResources }) => ({ name, allocatedResources, image: '', imageID: '', ready: false, restartCount: 0 }))
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
    if (pod.status) {
      const held = heldBeyondSpec(pod)
      if (held.length > 0) pod.status.containerStatuses = held
      else delete pod.status.containerStatuses
      delete pod.status.initContainerStatuses
    }
    return pod
  },
  ReplicaSet: (set: ReplicaSet): ReplicaSet => trimTemplate(set),
  StatefulSet: (set: StatefulSet): StatefulSet => trimTemplate(set),
}
