/** Scaling outside a rollout's own steps: the size was changed, or the deployment is paused in the middle of one. */
import type { Deployment, ReplicaSet } from '../../../api/generated/types.ts'
import { allOf, inUse, scaleTo, totalReplicas, type Plan } from './plan.ts'
import {
  desiredAnnotation,
  intAnnotation,
  isInUse,
  largestThenNewest,
  largestThenOldest,
  maxAnnotation,
  oldestFirst,
  replicasOf,
} from './replica-sets.ts'
import { isRollingUpdate, maxSurge } from './rolling-limits.ts'

/** Some replica set got its size when the deployment wanted another. */
export const isScalingEvent = (plan: Plan): boolean =>
  inUse(plan).some((rs) => {
    const desired = intAnnotation(rs, desiredAnnotation)
    return desired !== undefined && desired !== replicasOf(plan.d)
  })

export function planScale(plan: Plan): void {
  const only = onlyInUseOrLatest(plan)
  if (only) {
    if (replicasOf(only) !== replicasOf(plan.d)) scaleTo(plan, only, replicasOf(plan.d))
    return
  }
  if (isSaturated(plan.d, plan.newRS)) {
    for (const old of plan.oldRSs.filter(isInUse)) scaleTo(plan, old, 0)
    return
  }
  if (isRollingUpdate(plan.d)) scaleProportionally(plan)
}

function onlyInUseOrLatest(plan: Plan): ReplicaSet | undefined {
  const used = inUse(plan)
  if (used.length > 1) return undefined
  return used[0] ?? plan.newRS ?? allOf(plan).toSorted(oldestFirst).at(-1)
}

function isSaturated(d: Deployment, rs: ReplicaSet | undefined): boolean {
  const desired = replicasOf(d)
  return (
    rs !== undefined &&
    replicasOf(rs) === desired &&
    intAnnotation(rs, desiredAnnotation) === desired &&
    (rs.status?.availableReplicas ?? 0) === desired
  )
}

/** Spreads the difference over all replica sets in use by their share; what rounding leaves goes to the largest. */
function scaleProportionally(plan: Plan): void {
  const { d } = plan
  const allowed = replicasOf(d) > 0 ? replicasOf(d) + maxSurge(d) : 0
  const used = inUse(plan)
  const toAdd = allowed - totalReplicas(used)
  const order = toAdd > 0 ? largestThenNewest : largestThenOldest
  const sorted = toAdd === 0 ? used : used.toSorted(order)
  let added = 0
  const sizes = sorted.map((rs) => {
    const share = toAdd === 0 ? 0 : proportion(rs, d, toAdd, added)
    added += share
    return replicasOf(rs) + share
  })
  sorted.forEach((rs, index) => {
    const leftover = index === 0 ? toAdd - added : 0
    scaleTo(plan, rs, Math.max(0, (sizes[index] ?? 0) + leftover))
  })
}

function proportion(rs: ReplicaSet, d: Deployment, toAdd: number, added: number): number {
  if (replicasOf(rs) === 0 || toAdd === added) return 0
  const share = fraction(rs, d)
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added)
}

function fraction(rs: ReplicaSet, d: Deployment): number {
  const size = replicasOf(rs)
  if (replicasOf(d) === 0) return -size
  const before = intAnnotation(rs, maxAnnotation) || d.status?.replicas || 0
  if (before === 0) return 0
  return Math.round((size * (replicasOf(d) + maxSurge(d))) / before) - size
}
