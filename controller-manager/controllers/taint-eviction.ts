/** Taint eviction: pods leave nodes with NoExecute taints, at once or when what they tolerate has passed. */
import type { Node, Pod, Taint } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import { formatTime } from '../../api/time.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { nodeIndex } from '../pods.ts'
import { mergeStatus, remove } from '../status-patch.ts'
import { toleratedSeconds } from './node/taints.ts'

const noExecute = ({ spec }: Node): Taint[] => (spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute')

export function createTaintEviction(): Controller<'Pod', Taint[]> {
  /** When each pod was first seen beside taints that do not say since when they are there. */
  const since = new Map<string, number>()
  /** Pods that have been told how long they may stay. */
  const waiting = new Set<string>()
  return {
    name: 'taint-eviction-controller',
    for: 'Pod',
    watches: [{ kind: 'Node', wakes: ({ metadata }: Node, cache) => cache.of('Pod').byIndex('node', metadata.name).map(keyOf) }],
    indexes: { Pod: nodeIndex },
    observe(pod, cache) {
      const node = pod.spec.nodeName ? cache.of('Node').get(pod.spec.nodeName) : undefined
      return node ? noExecute(node) : []
    },
    reconcile(pod, taints, now) {
      const key = keyOf(pod)
      if (taints.length === 0) {
        since.delete(key)
        return waiting.delete(key) && !pod.metadata.deletionTimestamp ? [told(pod, `Cancelling deletion of Pod ${key}`)] : []
      }
      const seen = since.get(key) ?? now.getTime()
      since.set(key, seen)
      const actions = reconcile(pod, taints, seen, now)
      if (actions.some((action) => action.do === 'requeue')) waiting.add(key)
      return actions
    },
    gone(key) {
      since.delete(keyOf({ metadata: key }))
      waiting.delete(keyOf({ metadata: key }))
      return []
    },
  }
}

export function reconcile(pod: Pod, taints: readonly Taint[], seen: number, now: Date): Action[] {
  if (pod.metadata.deletionTimestamp || taints.length === 0) return []
  const seconds = toleratedSeconds(taints, pod.spec.tolerations ?? [])
  if (seconds === null) return []
  const newest = Math.max(...taints.map(({ timeAdded }) => (timeAdded ? Date.parse(timeAdded) : seen)))
  // A pod that came after the taint has its full time as well.
  const created = pod.metadata.creationTimestamp ? Date.parse(pod.metadata.creationTimestamp) : 0
  const waitMs = seconds === 0 ? 0 : Math.max(newest, created) + seconds * 1000 - now.getTime()
  return waitMs > 0 ? [{ do: 'requeue', afterMs: waitMs }] : evict(pod, now)
}

const told = (pod: Pod, message: string): Action => ({
  do: 'event',
  about: pod,
  type: 'Normal',
  reason: 'TaintManagerEviction',
  message,
})

const evict = (pod: Pod, now: Date): Action[] => [
  told(pod, `Marking for deletion Pod ${keyOf(pod)}`),
  disruptionTarget(pod, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint', now),
  remove(pod),
]

/** Tells those who count failures (jobs) that the pod did not fail by itself. */
export const disruptionTarget = (pod: Pod, reason: string, message: string, now: Date, status: object = {}): Action =>
  mergeStatus(pod, {
    ...status,
    conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: formatTime(now) }],
  })
