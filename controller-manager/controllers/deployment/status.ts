/** What a deployment reports: counts, availability, and whether the rollout still makes progress. */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../../api/generated/types.ts'
import type { Action } from '../../../client/controller.ts'
import { findCondition, withCondition, withoutCondition } from '../../conditions.ts'
import { nonZero } from '../../status-patch.ts'
import { allOf, newCondition, totalReplicas, type Plan } from './plan.ts'
import { replicasOf } from './replica-sets.ts'
import { maxUnavailable } from './rolling-limits.ts'

const noDeadline = 2 ** 31 - 1

export const hasProgressDeadline = ({ spec }: Deployment): boolean =>
  spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadline

export const isComplete = (d: Deployment, status: DeploymentStatus): boolean => {
  const desired = replicasOf(d)
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (d.metadata.generation ?? 0)
  )
}

const sum = (replicaSets: readonly ReplicaSet[], field: 'replicas' | 'readyReplicas' | 'availableReplicas'): number =>
  replicaSets.reduce((total, rs) => total + (rs.status?.[field] ?? 0), 0)

/** The counts, and `Available`; progress is left as it was. */
export function computeStatus(plan: Plan): DeploymentStatus {
  const { d, newRS } = plan
  const all = allOf(plan)
  const available = sum(all, 'availableReplicas')
  const minimum = available >= replicasOf(d) - maxUnavailable(d)
  return {
    observedGeneration: d.metadata.generation,
    replicas: nonZero(sum(all, 'replicas')),
    updatedReplicas: nonZero(newRS?.status?.replicas ?? 0),
    readyReplicas: nonZero(sum(all, 'readyReplicas')),
    availableReplicas: nonZero(available),
    unavailableReplicas: nonZero(Math.max(0, totalReplicas(all) - available)),
    terminatingReplicas: terminating(all),
    collisionCount: d.status?.collisionCount,
    conditions: withCondition(
      plan.conditions,
      minimum
        ? newCondition(plan, 'Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : newCondition(
            plan,
            'Available',
            'False',
            'MinimumReplicasUnavailable',
            'Deployment does not have minimum availability.',
          ),
    ),
  }
}

/** Unknown as soon as one replica set does not say. */
function terminating(replicaSets: readonly ReplicaSet[]): number | undefined {
  const counts = replicaSets.map((rs) => rs.status?.terminatingReplicas)
  return counts.includes(undefined) ? undefined : counts.reduce<number>((total, count) => total + (count ?? 0), 0)
}

/** The whole status during a rollout. */
export function computeRolloutStatus(plan: Plan): DeploymentStatus {
  const status = computeStatus(plan)
  const conditions = withReplicaFailure(plan, progressConditions(plan, status))
  return { ...status, conditions }
}

function progressConditions(plan: Plan, status: DeploymentStatus): DeploymentCondition[] {
  const { d, conditions } = plan
  if (!hasProgressDeadline(d)) return withoutCondition(status.conditions, 'Progressing')
  const current = findCondition(conditions, 'Progressing')
  const settled = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable'
  if (settled) return status.conditions ?? []

  const name = plan.newRS ? `ReplicaSet "${plan.newRS.metadata.name}"` : `Deployment "${d.metadata.name}"`
  const progressing = (truth: 'True' | 'False', reason: string, what: string) =>
    newCondition(plan, 'Progressing', truth, reason, `${name} ${what}`)
  if (isComplete(d, status)) {
    return withCondition(status.conditions, progressing('True', 'NewReplicaSetAvailable', 'has successfully progressed.'))
  }
  if (madeProgress(d.status ?? {}, status)) {
    const next = progressing('True', 'ReplicaSetUpdated', 'is progressing.')
    // Progress moves the update time even when neither status nor reason changes: the deadline counts from it.
    if (current?.status === 'True') next.lastTransitionTime = current.lastTransitionTime
    return [...withoutCondition(status.conditions, 'Progressing'), next]
  }
  if (isTimedOut(plan, current)) {
    return withCondition(status.conditions, progressing('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'))
  }
  return status.conditions ?? []
}

function madeProgress(old: DeploymentStatus, next: DeploymentStatus): boolean {
  const outdated = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas
  return (
    (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(next) < outdated(old) ||
    (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  )
}

const deadlineOf = ({ spec }: Deployment, { lastUpdateTime = '' }: DeploymentCondition): number =>
  Date.parse(lastUpdateTime) + (spec.progressDeadlineSeconds ?? 0) * 1000

function isTimedOut({ d, now }: Plan, current: DeploymentCondition | undefined): boolean {
  if (!current || current.reason === 'NewReplicaSetAvailable') return false
  return current.reason === 'ProgressDeadlineExceeded' || deadlineOf(d, current) < now.getTime()
}

/** One replica set's failure is the deployment's; the new one's counts before the old ones'. */
function withReplicaFailure(plan: Plan, conditions: DeploymentCondition[]): DeploymentCondition[] {
  const failure = [...(plan.newRS ? [plan.newRS] : []), ...plan.oldRSs]
    .map((rs) => findCondition(rs.status?.conditions, 'ReplicaFailure'))
    .find((condition) => condition !== undefined)
  if (!failure) return withoutCondition(conditions, 'ReplicaFailure')
  return withCondition(conditions, { ...failure, lastUpdateTime: failure.lastTransitionTime })
}

/** Look again when the deadline passes: nothing else would wake a rollout that is stuck. */
export function checkProgressLater({ d, now }: Plan, status: DeploymentStatus): Action[] {
  const current = findCondition(status.conditions, 'Progressing')
  if (!hasProgressDeadline(d) || !current || current.reason === 'ProgressDeadlineExceeded' || isComplete(d, status)) return []
  // A second more, since timestamps are cut to whole ones.
  return [{ do: 'requeue', afterMs: Math.max(0, deadlineOf(d, current) - now.getTime()) + 1000 }]
}

/** Pausing stops the progress clock, resuming starts it anew. */
export function pausedConditions({ d, conditions, ...plan }: Plan): DeploymentCondition[] {
  const current = findCondition(conditions, 'Progressing')
  if (!hasProgressDeadline(d) || current?.reason === 'ProgressDeadlineExceeded') return conditions
  const wasPaused = current?.reason === 'DeploymentPaused'
  if (Boolean(d.spec.paused) === wasPaused) return conditions
  const at = { d, conditions, ...plan }
  return withCondition(
    conditions,
    d.spec.paused
      ? newCondition(at, 'Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused')
      : newCondition(at, 'Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed'),
  )
}
