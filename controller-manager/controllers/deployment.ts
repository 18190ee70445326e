/** Deployment: roll its pods from one template to the next through replica sets, inside the limits the user set. */
import type { Deployment, Pod, ReplicaSet } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import { controllerOf, isControlledBy, keyOf } from '../../api/object.ts'
import { isAlreadyExists } from '../../api/status.ts'
import type { Cache } from '../../client/cache.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { claim, orphanIndex, orphansWake } from '../claim.ts'
import { findCondition, withCondition } from '../conditions.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { mergePatch, updateStatus } from '../status-patch.ts'
import { cleanUpHistory, newCondition, scalingEvent, type Plan } from './deployment/plan.ts'
import {
  annotationsForNew,
  maxRevision,
  newReplicaSet,
  replicasOf,
  revisionAnnotation,
  sameTemplate,
  splitByTemplate,
} from './deployment/replica-sets.ts'
import { planRollback, rollbackTarget } from './deployment/rollback.ts'
import { isRollingUpdate } from './deployment/rolling-limits.ts'
import { newReplicaSetSize, planRecreateDown, planRecreateUp, planRollingUpdate } from './deployment/rollout.ts'
import { isScalingEvent, planScale } from './deployment/scale.ts'
import {
  checkProgressLater,
  computeRolloutStatus,
  computeStatus,
  hasProgressDeadline,
  pausedConditions,
} from './deployment/status.ts'

export interface Observed {
  /** The replica sets it controls, and the orphans of its namespace. */
  replicaSets: ReplicaSet[]
  podsOf: (rs: ReplicaSet) => readonly Pod[]
  /** Whatever holds a name, whoever owns it. */
  named: (name: string) => ReplicaSet | undefined
}

export const deployment: Controller<'Deployment', Observed> = {
  name: 'deployment-controller',
  for: 'Deployment',
  owns: ['ReplicaSet'],
  watches: [
    orphansWake('ReplicaSet', 'Deployment', ({ spec }) => spec.selector),
    // Recreate waits for the last old pod; nothing else here depends on single pods.
    { kind: 'Pod', wakes: recreatedBy },
  ],
  indexes: { ReplicaSet: orphanIndex },
  observe: (d, cache) => ({
    replicaSets: [
      ...cache.of('ReplicaSet').controlledBy(d.metadata.uid),
      ...cache.of('ReplicaSet').byIndex('orphans', d.metadata.namespace ?? ''),
    ],
    podsOf: (rs) => cache.of('Pod').controlledBy(rs.metadata.uid),
    named: (name) => cache.of('ReplicaSet').get({ namespace: d.metadata.namespace, name }),
  }),
  reconcile,
}

function recreatedBy(pod: Pod, cache: Cache): string[] {
  const { namespace } = pod.metadata
  const rsName = controllerOf(pod)?.name
  const rs = rsName === undefined ? undefined : cache.of('ReplicaSet').get({ namespace, name: rsName })
  const owner = rs && controllerOf(rs)
  const d = owner && cache.of('Deployment').get({ namespace, name: owner.name })
  return d && !isRollingUpdate(d) ? [keyOf(d)] : []
}

export function reconcile(d: Deployment, observed: Observed, now: Date): Action[] {
  const selector = toSelector(d.spec.selector)
  if (selector.requirements.length === 0) return refuseToSelectAll(d)
  const { owned, actions } = claim(d, observed.replicaSets, (rs) => selector.matches(rs.metadata.labels))
  const plan: Plan = { d, now, ...splitByTemplate(d, owned), conditions: d.status?.conditions ?? [], actions }
  // Teardown belongs to the garbage collector.
  if (d.metadata.deletionTimestamp) return updateStatus(d, computeStatus(plan))

  plan.conditions = pausedConditions(plan)
  syncNewReplicaSet(plan)
  if (d.spec.paused) {
    planScale(plan)
    if (rollbackTarget(d) === undefined) cleanUpHistory(plan)
    return finish(plan, false)
  }
  const revision = rollbackTarget(d)
  if (revision !== undefined) {
    return ensureNewReplicaSet(plan, observed) ? [...plan.actions, ...planRollback(plan, revision)] : plan.actions
  }
  if (isScalingEvent(plan)) {
    planScale(plan)
    return finish(plan, false)
  }
  return planStep(plan, observed) ? finish(plan, true) : plan.actions
}

/** Answers false when the pass must end without a status: the name of the new replica set was taken. */
function planStep(plan: Plan, observed: Observed): boolean {
  if (isRollingUpdate(plan.d)) {
    const newRS = ensureNewReplicaSet(plan, observed)
    if (newRS) planRollingUpdate(plan, newRS)
    return newRS !== undefined
  }
  if (!planRecreateDown(plan, observed.podsOf)) return true
  const newRS = ensureNewReplicaSet(plan, observed)
  if (newRS) planRecreateUp(plan, newRS)
  return newRS !== undefined
}

function finish(plan: Plan, rollout: boolean): Action[] {
  const status = rollout ? computeRolloutStatus(plan) : computeStatus(plan)
  return [...plan.actions, ...updateStatus(plan.d, status), ...(rollout ? checkProgressLater(plan, status) : [])]
}

function refuseToSelectAll(d: Deployment): Action[] {
  const message = 'This deployment is selecting all pods. A non-empty selector is required.'
  return [
    { do: 'event', about: d, type: 'Warning', reason: 'SelectingAll', message },
    ...updateStatus(d, { ...d.status, observedGeneration: d.metadata.generation }),
  ]
}

/** Brings annotations, revision and minReadySeconds of an existing new replica set in line, and the deployment's own. */
function syncNewReplicaSet(plan: Plan): void {
  const { d, newRS, oldRSs } = plan
  if (!newRS) return
  const current = newRS.metadata.annotations ?? {}
  const annotations = annotationsForNew(d, current, maxRevision(oldRSs) + 1n)
  const minReadySeconds = d.spec.minReadySeconds ?? 0
  if (!semanticEqual(annotations, current) || (newRS.spec.minReadySeconds ?? 0) !== minReadySeconds) {
    plan.actions.push(mergePatch(newRS, { metadata: { annotations }, spec: { minReadySeconds } }))
    plan.newRS = { ...newRS, metadata: { ...newRS.metadata, annotations }, spec: { ...newRS.spec, minReadySeconds } }
  }
  setRevision(plan, annotations[revisionAnnotation])
  if (hasProgressDeadline(d) && !findCondition(plan.conditions, 'Progressing')) {
    const message = `Found new replica set "${newRS.metadata.name}"`
    plan.conditions = withCondition(plan.conditions, newCondition(plan, 'Progressing', 'True', 'FoundNewReplicaSet', message))
  }
}

function setRevision({ d, actions }: Plan, revision: string | undefined): void {
  if (revision === undefined || d.metadata.annotations?.[revisionAnnotation] === revision) return
  actions.push(mergePatch(d, { metadata: { annotations: { [revisionAnnotation]: revision } } }))
}

/** The new replica set, made when there is none yet; undefined when its name belongs to something else. */
function ensureNewReplicaSet(plan: Plan, { named }: Observed): ReplicaSet | undefined {
  if (plan.newRS) return plan.newRS
  const { d, oldRSs } = plan
  const object = newReplicaSet(d, oldRSs)
  const { name } = object.metadata
  const holder = named(name)
  if (holder && !(isControlledBy(holder, d) && sameTemplate(holder.spec.template, d.spec.template))) {
    const collisionCount = (d.status?.collisionCount ?? 0) + 1
    plan.actions.push(...updateStatus(d, { ...d.status, collisionCount }))
    return undefined
  }
  const created = { apiVersion: 'apps/v1', kind: 'ReplicaSet', ...object } as ReplicaSet
  const size = newReplicaSetSize(plan, 0)
  created.spec = { ...created.spec, replicas: size }
  plan.actions.push(createReplicaSet(plan, created))
  plan.newRS = created
  setRevision(plan, created.metadata.annotations?.[revisionAnnotation])
  if (hasProgressDeadline(d)) {
    const message = `Created new replica set "${name}"`
    plan.conditions = withCondition(plan.conditions, newCondition(plan, 'Progressing', 'True', 'NewReplicaSetCreated', message))
  }
  return created
}

function createReplicaSet(plan: Plan, object: ReplicaSet): Action {
  const { d } = plan
  const { name } = object.metadata
  const size = replicasOf(object)
  const { apiVersion: _apiVersion, kind: _kind, ...fields } = object
  const failed = (error: Error): Action[] => {
    // The cache has not seen the holder of the name yet; the retry will.
    if (isAlreadyExists(error)) return []
    const message = `Failed to create new replica set "${name}": ${error.message}`
    const failure = newCondition(plan, 'Progressing', 'False', 'ReplicaSetCreateError', message)
    const conditions = withCondition(d.status?.conditions, failure)
    return [
      ...(hasProgressDeadline(d) ? updateStatus(d, { ...d.status, conditions }) : []),
      { do: 'event', about: d, type: 'Warning', reason: 'ReplicaSetCreateError', message },
    ]
  }
  const create: Action = { do: 'create', kind: 'ReplicaSet', object: fields }
  const told = size > 0 ? [scalingEvent(d, name, 0, size)] : []
  return { do: 'attempt', actions: [create, ...told], failed }
}
