/** Which pods to give up first when there are too many: upstream's ActivePodsWithRanks order. */
import type { Pod } from '../api/generated/types.ts'
import { isReady, maxRestarts, readyCondition } from './pods.ts'

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'
const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }

/**
 * Cheapest to lose first. `crowd` says how many related active pods share the pod's node: losing one from the most
 * crowded node spreads the rest.
 */
export function cheapestToLose(pods: readonly Pod[], crowd: (pod: Pod) => number, now: Date): Pod[] {
  return pods.toSorted(
    (a, b) =>
      Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)) ||
      phaseRank(a) - phaseRank(b) ||
      Number(isReady(a)) - Number(isReady(b)) ||
      deletionCost(a) - deletionCost(b) ||
      crowd(b) - crowd(a) ||
      (isReady(a) && isReady(b) ? compareAge(readySince(a), readySince(b), a, b, now) : 0) ||
      maxRestarts(b) - maxRestarts(a) ||
      compareAge(createdAt(a), createdAt(b), a, b, now),
  )
}

const phaseRank = (pod: Pod): number => phaseOrder[pod.status?.phase ?? 'Pending'] ?? 0

const timeOf = (text: string | undefined): number => (text === undefined ? 0 : Date.parse(text))
const readySince = (pod: Pod): number => timeOf(readyCondition(pod)?.lastTransitionTime)
const createdAt = (pod: Pod): number => timeOf(pod.metadata.creationTimestamp)

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCostAnnotation] ?? ''
  // Go's ParseInt, and upstream refuses a leading plus and leading zeros.
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0
}

/**
 * Younger first, but ages are compared by their power of two (LogarithmicScaleDown): within one, the UID decides, so that
 * scaling down does not always take the pods of the same failure domain.
 */
function compareAge(a: number, b: number, podA: Pod, podB: Pod, now: Date): number {
  if (a === b) return 0
  if (a === 0 || b === 0) return a === 0 ? -1 : 1
  return magnitude(now.getTime() - a) - magnitude(now.getTime() - b) || (podA.metadata.uid < podB.metadata.uid ? -1 : 1)
}

/** Upstream measures in nanoseconds; a constant shift of the logarithm would move the bounds. */
const magnitude = (ageMs: number): number => (ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1)
