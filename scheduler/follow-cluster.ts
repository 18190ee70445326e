/** Turns what informers see into the snapshot's differences and the queue's events. */
import type { Node, Pod } from '../api/generated/types.ts'
import type { KindName } from '../api/kinds.ts'
import { causeOf } from '../client/cause.ts'
import { deepEqual } from '../api/json.ts'
import type { SharedInformers } from '../client/shared-informers.ts'
import type { ClusterEvent, WaitingPods } from './framework.ts'
import { createPodInfo } from './pod-info.ts'
import type { SchedulingQueue } from './queue.ts'
import type { Snapshot } from './snapshot.ts'

/** Kinds that are read through the cache, and whose changes may help a pod that waits. */
const watchedKinds = [
  'PersistentVolumeClaim',
  'PersistentVolume',
  'StorageClass',
  'CSINode',
  'CSIDriver',
  'CSIStorageCapacity',
] as const
/** Kinds that are read through the cache only. */
const readKinds = ['Service', 'ReplicationController', 'ReplicaSet', 'StatefulSet', 'PodDisruptionBudget'] as const

export function followCluster(
  informers: SharedInformers,
  snapshot: Snapshot,
  queue: SchedulingQueue,
  waiting: WaitingPods,
  isOurs: (pod: Pod) => boolean,
): void {
  followPods(informers, snapshot, queue, waiting, isOurs)
  followNodes(informers, snapshot, queue)
  informers.informer('Namespace').addHandlers({
    added: snapshot.setNamespace,
    updated(object, old) {
      snapshot.setNamespace(object)
      if (!deepEqual(object.metadata.labels, old.metadata.labels))
        queue.happened({ kind: 'Namespace', type: 'update', object, old }, causeOf('Namespace', object))
    },
    deleted: ({ metadata }) => snapshot.deleteNamespace(metadata.name),
  })
  for (const kind of watchedKinds) {
    const tell = (event: ClusterEvent) => queue.happened(event, causeOf(kind, event.object))
    informers.informer(kind).addHandlers({
      added: (object) => tell(toEvent(kind, 'add', object)),
      updated: (object, old) => tell(toEvent(kind, 'update', object, old)),
      deleted: (object) => tell(toEvent(kind, 'delete', object)),
    })
  }
  for (const kind of readKinds) informers.informer(kind)
}

const toEvent = (kind: KindName, type: ClusterEvent['type'], object: unknown, old?: unknown) =>
  ({ kind, type, object, old }) as ClusterEvent

function followPods(
  informers: SharedInformers,
  snapshot: Snapshot,
  queue: SchedulingQueue,
  waiting: WaitingPods,
  isOurs: (pod: Pod) => boolean,
): void {
  const gone = (pod: Pod) => {
    const { uid } = pod.metadata
    queue.delete(uid)
    waiting.reject(uid, '', 'the pod is gone')
    const nominated = pod.status?.nominatedNodeName
    snapshot.clearNomination(uid)
    const node = snapshot.placeOf(uid)?.node
    snapshot.remove(uid)
    // An assumed pod that is deleted before it was bound frees its room, too; so does a nomination that is given up.
    const freed = pod.spec.nodeName ?? node ?? nominated
    if (!freed) return
    const object = pod.spec.nodeName ? pod : { ...pod, spec: { ...pod.spec, nodeName: freed } }
    queue.happened({ kind: 'Pod', type: 'delete', object }, causeOf('Pod', pod))
  }
  const placed = (pod: Pod, old: Pod | undefined) => {
    const { uid } = pod.metadata
    const isNew = !old?.spec.nodeName
    if (isNew) {
      queue.delete(uid)
      snapshot.clearNomination(uid)
    }
    if (!snapshot.refresh(pod)) snapshot.place(createPodInfo(pod), pod.spec.nodeName!)
    else if (!isNew) return
    queue.happened({ kind: 'Pod', type: isNew ? 'add' : 'update', object: pod, old }, causeOf('Pod', pod))
  }
  const pending = (pod: Pod, old: Pod | undefined) => {
    if (!isOurs(pod)) return
    const { uid } = pod.metadata
    if (snapshot.placeOf(uid)) return
    const info = createPodInfo(pod)
    const nominated = pod.status?.nominatedNodeName
    if (nominated) snapshot.nominate(info, nominated)
    else if (old?.status?.nominatedNodeName) snapshot.clearNomination(uid)
    if (!old) queue.add(info, causeOf('Pod', pod))
    else queue.update(info, concernsScheduling(pod, old), causeOf('Pod', pod))
  }
  informers.informer('Pod').addHandlers({
    added: (pod) => (pod.spec.nodeName ? placed : pending)(pod, undefined),
    updated(pod, old) {
      if (isFinished(pod)) return gone(pod)
      if (pod.spec.nodeName) placed(pod, old)
      else pending(pod, old)
    },
    deleted: gone,
  })
}

const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** What we write ourselves (conditions, nomination) does not help; a change by others may. */
const concernsScheduling = (pod: Pod, old: Pod): boolean =>
  !deepEqual(pod.spec, old.spec) ||
  !deepEqual(pod.metadata.labels, old.metadata.labels) ||
  pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp

function followNodes(informers: SharedInformers, snapshot: Snapshot, queue: SchedulingQueue): void {
  informers.informer('Node').addHandlers({
    added(node) {
      snapshot.setNode(node)
      queue.happened({ kind: 'Node', type: 'add', object: node }, causeOf('Node', node))
    },
    updated(node, old) {
      snapshot.setNode(node)
      // Kubelets say every few seconds that they are alive: nothing that could help.
      if (offersTheSame(node, old)) return
      queue.happened({ kind: 'Node', type: 'update', object: node, old }, causeOf('Node', node))
    },
    deleted(node) {
      snapshot.deleteNode(node.metadata.name)
      queue.happened({ kind: 'Node', type: 'delete', object: node }, causeOf('Node', node))
    },
  })
}

const offersTheSame = (node: Node, old: Node): boolean =>
  deepEqual(node.spec, old.spec) &&
  deepEqual(node.metadata.labels, old.metadata.labels) &&
  deepEqual(node.status?.allocatable, old.status?.allocatable)
