/** One step of a rollout: RollingUpdate inside its limits, Recreate with everything old gone first. */
import type { Pod, ReplicaSet } from '../../../api/generated/types.ts'
import { isFinished } from '../../pods.ts'
import { allOf, cleanUpHistory, scaleTo, totalReplicas, type Plan } from './plan.ts'
import { isInUse, oldestFirst, replicasOf } from './replica-sets.ts'
import { computeRollingLimits, isRollingUpdate, maxUnavailable } from './rolling-limits.ts'
import { isComplete } from './status.ts'

/** Those that will be left: its status may be older than its size, and still count pods that are about to end. */
const availableOf = (rs: ReplicaSet): number => Math.min(replicasOf(rs), rs.status?.availableReplicas ?? 0)

/** The size of the new replica set: as much as the surge leaves room for. */
export function newReplicaSetSize(plan: Plan, current: number): number {
  const desired = replicasOf(plan.d)
  if (!isRollingUpdate(plan.d)) return desired
  const room = desired + computeRollingLimits(plan.d).surge - totalReplicas(allOf(plan))
  return room <= 0 ? current : current + Math.min(room, desired - current)
}

/** Up first, then down; never both in one pass, so that each decision sees what the one before did. */
export function planRollingUpdate(plan: Plan, newRS: ReplicaSet): void {
  if (growNew(plan, newRS)) return
  if (shrinkOld(plan)) return
  finish(plan)
}

function growNew(plan: Plan, newRS: ReplicaSet): boolean {
  const desired = replicasOf(plan.d)
  const current = replicasOf(newRS)
  if (current === desired) return false
  return scaleTo(plan, newRS, current > desired ? desired : newReplicaSetSize(plan, current))
}

/**
 * What may go: everything above the minimum that is not already spoken for by new pods that are not available yet.
 * Unhealthy old pods go first, since losing them costs no availability.
 */
function shrinkOld(plan: Plan): boolean {
  const { newRS } = plan
  if (!newRS || !plan.oldRSs.some(isInUse)) return false
  const minAvailable = replicasOf(plan.d) - maxUnavailable(plan.d)
  const newUnavailable = replicasOf(newRS) - availableOf(newRS)
  const room = totalReplicas(allOf(plan)) - minAvailable - newUnavailable
  if (room <= 0) return false
  const unhealthy = shrink(plan, room, (rs) => replicasOf(rs) - availableOf(rs))
  const available = allOf(plan).reduce((sum, rs) => sum + availableOf(rs), 0)
  const healthy = shrink(plan, available - minAvailable, replicasOf)
  return unhealthy + healthy > 0
}

/** Takes up to `count` pods off the old replica sets, oldest first; `spare` says how many one of them can give. */
function shrink(plan: Plan, count: number, spare: (rs: ReplicaSet) => number): number {
  let taken = 0
  for (const rs of plan.oldRSs.filter(isInUse).toSorted(oldestFirst)) {
    const give = Math.min(count - taken, spare(rs))
    if (give <= 0) continue
    scaleTo(plan, rs, replicasOf(rs) - give)
    taken += give
  }
  return taken
}

/** Scales everything old down; answers whether the new replica set may run now. */
export function planRecreateDown(plan: Plan, podsOf: (rs: ReplicaSet) => readonly Pod[]): boolean {
  const scaled = plan.oldRSs.filter(isInUse).map((rs) => scaleTo(plan, rs, 0))
  if (scaled.length > 0) return false
  // The status may lag behind the pods, and the pods behind the status: both must say that nothing old is left.
  return !plan.oldRSs.some((rs) => (rs.status?.replicas ?? 0) > 0 || podsOf(rs).some((pod) => !isFinished(pod)))
}

export function planRecreateUp(plan: Plan, newRS: ReplicaSet): void {
  if (replicasOf(newRS) !== replicasOf(plan.d)) scaleTo(plan, newRS, replicasOf(plan.d))
  finish(plan)
}

function finish(plan: Plan): void {
  if (isComplete(plan.d, plan.d.status ?? {})) cleanUpHistory(plan)
}
