/** Taints: which follow from a node's conditions, and how long pods tolerate them. Pure. */
import type { Node, Taint, Toleration } from '../../../api/generated/types.ts'
import { findCondition } from '../../conditions.ts'

export const notReadyTaint = 'node.kubernetes.io/not-ready'
export const unreachableTaint = 'node.kubernetes.io/unreachable'
export const outOfServiceTaint = 'node.kubernetes.io/out-of-service'

/** Condition → status → taint. */
const taintsByCondition: readonly [condition: string, status: string, key: string][] = [
  ['Ready', 'False', notReadyTaint],
  ['Ready', 'Unknown', unreachableTaint],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
]
const unschedulableTaint = 'node.kubernetes.io/unschedulable'
const managedKeys = new Set([...taintsByCondition.map(([, , key]) => key), unschedulableTaint])

/** The node's taints with those of effect NoSchedule as its conditions ask for; new ones get the time. */
export function withConditionTaints({ spec, status }: Node, time: string): Taint[] {
  const current = spec?.taints ?? []
  const wanted = taintsByCondition
    .filter(([condition, truth]) => findCondition(status?.conditions, condition)?.status === truth)
    .map(([, , key]) => key)
  if (spec?.unschedulable) wanted.push(unschedulableTaint)
  const kept = current.filter(({ key, effect }) => effect !== 'NoSchedule' || !managedKeys.has(key) || wanted.includes(key))
  const added = wanted.filter((key) => !kept.some((taint) => taint.key === key && taint.effect === 'NoSchedule'))
  return [...kept, ...added.map((key): Taint => ({ key, effect: 'NoSchedule', timeAdded: time }))]
}

/** The one NoExecute taint that the readiness asks for, instead of the other; null takes both away. */
export function withEvictionTaint(taints: readonly Taint[], key: string | null, time: string): Taint[] {
  const others = taints.filter(
    (taint) => taint.effect !== 'NoExecute' || (taint.key !== notReadyTaint && taint.key !== unreachableTaint),
  )
  if (key === null) return others
  return [
    ...others,
    taints.find((taint) => taint.key === key && taint.effect === 'NoExecute') ?? { key, effect: 'NoExecute', timeAdded: time },
  ]
}

export const evictionTaintOf = (taints: readonly Taint[] | undefined): string | undefined =>
  taints?.find(({ key, effect }) => effect === 'NoExecute' && (key === notReadyTaint || key === unreachableTaint))?.key

export const tolerates = ({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean =>
  (!effect || effect === taint.effect) && (!key || key === taint.key) && (operator === 'Exists' || value === (taint.value ?? ''))

/** Seconds that a pod may stay: 0 for not at all, null for ever. The shortest toleration in use counts. */
export function toleratedSeconds(taints: readonly Taint[], tolerations: readonly Toleration[]): number | null {
  const used = taints.map((taint) => tolerations.find((toleration) => tolerates(toleration, taint)))
  if (used.includes(undefined)) return 0
  const limits = used.flatMap((toleration) => toleration?.tolerationSeconds ?? [])
  return limits.length === 0 ? null : Math.max(0, Math.min(...limits))
}
