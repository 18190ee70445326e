/** Pod garbage collector: pods of nodes that are gone, pods that wait to end where nothing can end them, and too many finished ones. */
import type { Node, Pod } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { isFinished, nodeIndex } from '../pods.ts'
import { readinessOf } from './node/health.ts'
import { outOfServiceTaint } from './node/taints.ts'
import { disruptionTarget } from './taint-eviction.ts'

/** A node may be deleted and registered again by its kubelet. */
const quarantineMs = 40_000

export interface Observed {
  node: Node | undefined
  /** Finished pods anywhere, when there are more than the threshold. */
  tooMany: Pod[]
  threshold: number
  /** Since when the node has been missing, as far as we know. */
  missingSince: number | undefined
}

const finishedIndex = { finished: (pod: Pod): readonly string[] => (isFinished(pod) ? ['yes'] : []) }

export function createPodGarbageCollector(threshold: number): Controller<'Pod', Omit<Observed, 'missingSince'>> {
  const missing = new Map<string, number>()
  return {
    name: 'pod-garbage-collector-controller',
    for: 'Pod',
    watches: [{ kind: 'Node', wakes: ({ metadata }: Node, cache) => cache.of('Pod').byIndex('node', metadata.name).map(keyOf) }],
    indexes: { Pod: { ...nodeIndex, ...finishedIndex } },
    observe(pod, cache) {
      const finished = isFinished(pod) && threshold > 0 ? cache.of('Pod').byIndex('finished', 'yes') : []
      return {
        node: pod.spec.nodeName ? cache.of('Node').get(pod.spec.nodeName) : undefined,
        tooMany: finished.length > threshold ? finished : [],
        threshold,
      }
    },
    reconcile(pod, observed, now) {
      const { nodeName } = pod.spec
      if (!nodeName || observed.node) {
        if (nodeName) missing.delete(nodeName)
        return reconcile(pod, { ...observed, missingSince: undefined }, now)
      }
      const missingSince = missing.get(nodeName) ?? now.getTime()
      missing.set(nodeName, missingSince)
      return reconcile(pod, { ...observed, missingSince }, now)
    },
  }
}

export function reconcile(pod: Pod, { node, tooMany, threshold, missingSince }: Observed, now: Date): Action[] {
  const deleting = pod.metadata.deletionTimestamp !== undefined
  if (!pod.spec.nodeName) return deleting ? [forceDelete(pod)] : []
  if (!node) {
    const waitMs = (missingSince ?? now.getTime()) + quarantineMs - now.getTime()
    if (waitMs > 0) return [{ do: 'requeue', afterMs: waitMs }]
    return failAndDelete(pod, 'PodGC: node no longer exists', now)
  }
  const outOfService = node.spec?.taints?.some(({ key }) => key === outOfServiceTaint)
  if (deleting && outOfService && readinessOf(node) !== 'True') return failAndDelete(pod, 'PodGC: node is out-of-service', now)
  if (deleting || tooMany.length <= threshold) return []
  const createdAt = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? '') || 0
  const oldest = tooMany.toSorted((a, b) => createdAt(a) - createdAt(b) || (a.metadata.name < b.metadata.name ? -1 : 1))
  return oldest.slice(0, tooMany.length - threshold).some(({ metadata }) => metadata.uid === pod.metadata.uid)
    ? [forceDelete(pod)]
    : []
}

const forceDelete = ({ metadata: { namespace, name, uid } }: Pod): Action => ({
  do: 'delete',
  kind: 'Pod',
  key: { namespace, name },
  uid,
  gracePeriodSeconds: 0,
})

/** No kubelet is left to say how the pod ended. */
const failAndDelete = (pod: Pod, message: string, now: Date): Action[] => [
  ...(isFinished(pod) ? [] : [disruptionTarget(pod, 'DeletionByPodGC', message, now, { phase: 'Failed' })]),
  forceDelete(pod),
]
