/** The questions that every workload controller asks of pods, and how a pod is made from a template. */
import { deepCopy } from '../api/json.ts'
import type { OwnerReference, Pod, PodTemplateSpec } from '../api/generated/types.ts'
import type { KubeObject, New } from '../api/object.ts'
import { findCondition } from './conditions.ts'

export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

/** Counts towards replicas: neither finished nor on its way out. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !pod.metadata.deletionTimestamp

/** Deleted but still there, and not finished. */
export const isTerminating = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined

export const isReady = (pod: Pod): boolean => readyCondition(pod)?.status === 'True'

export const readyCondition = (pod: Pod) => findCondition(pod.status?.conditions, 'Ready')

/** When the pod becomes available if it stays ready, in milliseconds since the epoch; null while it is not ready. */
function availableAt(pod: Pod, minReadySeconds: number): number | null {
  if (!isReady(pod)) return null
  const since = readyCondition(pod)?.lastTransitionTime
  if (minReadySeconds === 0) return 0
  return since === undefined ? null : Date.parse(since) + minReadySeconds * 1000
}

export function isAvailable(pod: Pod, minReadySeconds: number, now: Date): boolean {
  const at = availableAt(pod, minReadySeconds)
  return at !== null && at <= now.getTime()
}

/** Milliseconds until the next ready pod becomes available; null when none is on its way. */
export function untilNextAvailable(pods: readonly Pod[], minReadySeconds: number, now: Date): number | null {
  const waits = pods
    .map((pod) => availableAt(pod, minReadySeconds))
    .filter((at) => at !== null)
    .map((at) => at - now.getTime())
    .filter((wait) => wait > 0)
  return waits.length === 0 ? null : Math.min(...waits)
}

export function podFromTemplate(
  template: PodTemplateSpec | undefined,
  namespace: string | undefined,
  owner: OwnerReference,
  name: { name: string } | { generateName: string },
): New<Pod> {
  const { labels, annotations, finalizers } = template?.metadata ?? {}
  return {
    metadata: {
      ...name,
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [owner],
    },
    spec: deepCopy(template?.spec ?? { containers: [] }),
  }
}

export const maxRestarts = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount))

/** Pods whose names are generated: upstream cuts the base so that the suffix fits. */
export const generateNameFor = (owner: KubeObject): string => `${owner.metadata.name}-`

/** Pods by the node they are on. One function, so that controllers can share the index. */
export const nodeIndex = { node: ({ spec }: Pod): readonly string[] => (spec.nodeName ? [spec.nodeName] : []) }
