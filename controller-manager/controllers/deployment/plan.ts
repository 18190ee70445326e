/** One pass over a deployment: the writes so far, and its replica sets as they will be once those are done. */
import type { Deployment, DeploymentCondition, ReplicaSet } from '../../../api/generated/types.ts'
import { formatTime } from '../../../api/time.ts'
import type { Action } from '../../../client/controller.ts'
import { mergePatch, remove } from '../../status-patch.ts'
import { isInUse, replicasOf, byRevision, sizeAnnotations } from './replica-sets.ts'

export interface Plan {
  readonly d: Deployment
  readonly now: Date
  newRS: ReplicaSet | undefined
  oldRSs: ReplicaSet[]
  conditions: DeploymentCondition[]
  readonly actions: Action[]
}

export const allOf = ({ newRS, oldRSs }: Plan): ReplicaSet[] => (newRS ? [...oldRSs, newRS] : oldRSs)

export const inUse = (plan: Plan): ReplicaSet[] => allOf(plan).filter(isInUse)

export const totalReplicas = (replicaSets: readonly ReplicaSet[]): number =>
  replicaSets.reduce((sum, rs) => sum + replicasOf(rs), 0)

export const newCondition = (
  { now }: Plan,
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
): DeploymentCondition => ({
  type,
  status,
  reason,
  message,
  lastUpdateTime: formatTime(now),
  lastTransitionTime: formatTime(now),
})

export const scalingEvent = (d: Deployment, name: string, from: number, to: number): Action => ({
  do: 'event',
  about: d,
  type: 'Normal',
  reason: 'ScalingReplicaSet',
  message: `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`,
})

/** Answers whether the size changes. Annotations that fell behind are brought up to date on the way. */
export function scaleTo(plan: Plan, rs: ReplicaSet, size: number): boolean {
  const from = replicasOf(rs)
  const annotations = sizeAnnotations(plan.d)
  const current = rs.metadata.annotations ?? {}
  const stale = Object.entries(annotations).some(([name, value]) => current[name] !== value)
  if (from === size && !stale) return false
  plan.actions.push(mergePatch(rs, { metadata: { annotations }, spec: { replicas: size } }))
  if (from !== size) plan.actions.push(scalingEvent(plan.d, rs.metadata.name, from, size))
  replace(plan, rs, {
    ...rs,
    metadata: { ...rs.metadata, annotations: { ...current, ...annotations } },
    spec: { ...rs.spec, replicas: size },
  })
  return from !== size
}

export function replace(plan: Plan, rs: ReplicaSet, next: ReplicaSet): void {
  if (plan.newRS === rs) plan.newRS = next
  else plan.oldRSs = plan.oldRSs.map((old) => (old === rs ? next : old))
}

/** Deletes old replica sets beyond the history limit, lowest revision first, but never one that still has or wants pods. */
export function cleanUpHistory(plan: Plan): void {
  const limit = plan.d.spec.revisionHistoryLimit
  if (limit === undefined || limit === 2 ** 31 - 1) return
  const alive = plan.oldRSs.filter((rs) => !rs.metadata.deletionTimestamp).toSorted(byRevision)
  for (const rs of alive.slice(0, Math.max(0, alive.length - limit))) {
    const unseen = (rs.metadata.generation ?? 0) > (rs.status?.observedGeneration ?? 0)
    if (rs.status?.replicas || isInUse(rs) || unseen) continue
    plan.actions.push(remove(rs))
  }
}
