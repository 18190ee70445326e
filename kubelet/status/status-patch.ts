/** Pure: the strategic merge patch that takes a pod's status from what the API has to what the kubelet wants. */
import { isDeepStrictEqual } from 'node:util'
import type { Pod, PodCondition, PodStatus } from '../../api/generated/types.ts'

/** Fields that the kubelet decides; others (nominatedNodeName, resize…) are left alone. */
const owned = [
  'observedGeneration',
  'phase',
  'reason',
  'message',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
  'qosClass',
] as const satisfies readonly (keyof PodStatus)[]

/** Conditions of ours that go away. */
const passing = ['PodResizePending', 'PodResizeInProgress']

/** Undefined when nothing changed. The UID keeps the patch from a later pod of the same name. */
export function computeStatusPatch(pod: Pod, before: PodStatus | undefined, wanted: PodStatus): object | undefined {
  const status: Record<string, unknown> = {}
  for (const field of owned) {
    if (isDeepStrictEqual(before?.[field], wanted[field])) continue
    // Lists of addresses merge by address in this kind of patch: an old one must be told to go.
    const isAddresses = (field === 'podIPs' || field === 'hostIPs') && before?.[field] !== undefined
    status[field] = isAddresses ? [{ $patch: 'replace' }, ...(wanted[field] ?? [])] : (wanted[field] ?? null)
  }
  const conditions = (wanted.conditions ?? []).filter((condition) => !isDeepStrictEqual(find(before, condition.type), condition))
  const over = passing.filter((type) => find(before, type) && !find(wanted, type)).map((type) => ({ $patch: 'delete', type }))
  if (conditions.length + over.length > 0)
    status.conditions = [...conditions.map((condition) => withRemovals(condition, find(before, condition.type))), ...over]
  return Object.keys(status).length > 0 ? { metadata: { uid: pod.metadata.uid }, status } : undefined
}

/** What the patch would leave as it is stays; merge by type never drops another owner's condition. */
export const applyStatus = (before: PodStatus | undefined, wanted: PodStatus): PodStatus => ({
  ...before,
  ...wanted,
  conditions: [
    ...(wanted.conditions ?? []),
    ...(before?.conditions ?? []).filter(({ type }) => !wanted.conditions?.some((condition) => condition.type === type)),
  ],
})

const find = (status: PodStatus | undefined, type: string): PodCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type)

/** A condition that loses its reason or message must say so. */
function withRemovals(condition: PodCondition, before: PodCondition | undefined): Record<string, unknown> {
  const removed = Object.keys(before ?? {}).filter((field) => !(field in condition) && field !== 'lastProbeTime')
  return { ...condition, ...Object.fromEntries(removed.map((field) => [field, null])) }
}
