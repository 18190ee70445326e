/** ReplicaSet: keep exactly `spec.replicas` active pods; report what was seen. */
import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../api/generated/types.ts'
import { selectorFromSet, toSelector } from '../../api/labels.ts'
import { controllerOf, controllerReference, isControlledBy } from '../../api/object.ts'
import { formatTime } from '../../api/time.ts'
import type { Cache } from '../../client/cache.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { claim, orphanIndex, orphansWake } from '../claim.ts'
import { findCondition, withCondition, withoutCondition } from '../conditions.ts'
import { generateNameFor, isActive, isAvailable, isReady, isTerminating, podFromTemplate, untilNextAvailable } from '../pods.ts'
import { nonZero, remove, updateStatus } from '../status-patch.ts'
import { cheapestToLose } from '../victims.ts'

/** At most this many creates or deletes in one go, as upstream's BurstReplicas. */
const burst = 500

export interface Observed {
  /** The pods it controls, and the orphans of its namespace. */
  pods: Pod[]
  /** Pods of every replica set with the same owner, itself included: they count as crowding a node. */
  related: Pod[]
  /** Creating in a namespace that goes away can only fail. */
  namespaceTerminating: boolean
}

export const replicaSet: Controller<'ReplicaSet', Observed> = {
  name: 'replicaset-controller',
  for: 'ReplicaSet',
  owns: ['Pod'],
  watches: [orphansWake('Pod', 'ReplicaSet', (rs) => rs.spec.selector)],
  reads: ['Namespace'],
  indexes: { Pod: orphanIndex },
  observe,
  reconcile,
}

function observe(rs: ReplicaSet, cache: Cache): Observed {
  const { namespace = '', uid } = rs.metadata
  const pods = cache.of('Pod')
  const owner = controllerOf(rs)
  const siblings = owner ? cache.of('ReplicaSet').controlledBy(owner.uid) : [rs]
  return {
    pods: [...pods.controlledBy(uid), ...pods.byIndex('orphans', namespace)],
    related: siblings.flatMap((sibling) => pods.controlledBy(sibling.metadata.uid)),
    namespaceTerminating: isNamespaceTerminating(cache, namespace),
  }
}

export const isNamespaceTerminating = (cache: Cache, namespace: string): boolean =>
  cache.of('Namespace').get(namespace)?.status?.phase === 'Terminating'

/** Also used by the replication controller, whose objects differ in nothing but the form of the selector. */
export function reconcile(rs: ReplicaSet, observed: Observed, now: Date): Action[] {
  const selector = toSelector(rs.spec.selector)
  const { owned, actions } = claim(rs, observed.pods.filter(isActive), (pod) => selector.matches(pod.metadata.labels))
  const terminating = observed.pods.filter((pod) => isControlledBy(pod, rs) && isTerminating(pod)).length
  const status = (failure?: ReplicaSetCondition) => updateStatus(rs, statusOf(rs, owned, terminating, now, failure))
  // Teardown belongs to the garbage collector; acting here would race it.
  const changes = rs.metadata.deletionTimestamp ? [] : manageReplicas(rs, owned, observed, now)
  const wait = untilNextAvailable(owned, rs.spec.minReadySeconds ?? 0, now)
  return [
    ...actions,
    // The pods' own events bring the next look, which counts them: what was seen before is not worth a write.
    ...(changes.length > 0 ? [attempt(rs, changes, owned.length, status, now)] : status()),
    ...(wait === null ? [] : [{ do: 'requeue' as const, afterMs: wait }]),
  ]
}

function manageReplicas(rs: ReplicaSet, owned: Pod[], { related, namespaceTerminating }: Observed, now: Date): Action[] {
  const missing = (rs.spec.replicas ?? 1) - owned.length
  if (missing > 0) {
    return namespaceTerminating
      ? []
      : [{ do: 'batch', actions: Array.from({ length: Math.min(missing, burst) }, () => createPod(rs)) }]
  }
  if (missing === 0) return []
  const crowd = Map.groupBy(related.filter(isActive), (pod) => pod.spec.nodeName ?? '')
  const victims = cheapestToLose(owned, (pod) => crowd.get(pod.spec.nodeName ?? '')?.length ?? 0, now).slice(
    0,
    Math.min(-missing, burst),
  )
  return [{ do: 'batch', actions: victims.map(remove) }, ...victims.map((pod) => deletedEvent(rs, pod))]
}

const createPod = (rs: ReplicaSet): Action => ({
  do: 'create',
  kind: 'Pod',
  object: podFromTemplate(rs.spec.template, rs.metadata.namespace, controllerReference(rs), {
    generateName: generateNameFor(rs),
  }),
  created: (pod) => [
    { do: 'event', about: rs, type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` },
  ],
})

const deletedEvent = (rs: ReplicaSet, pod: Pod): Action => ({
  do: 'event',
  about: rs,
  type: 'Normal',
  reason: 'SuccessfulDelete',
  message: `Deleted pod: ${pod.metadata.name}`,
})

/** What cannot be made or removed is told twice: as an event, and as the condition ReplicaFailure. */
function attempt(
  rs: ReplicaSet,
  changes: Action[],
  have: number,
  status: (failure: ReplicaSetCondition) => Action[],
  now: Date,
): Action {
  const creating = have < (rs.spec.replicas ?? 1)
  const reason = creating ? 'FailedCreate' : 'FailedDelete'
  return {
    do: 'attempt',
    actions: changes,
    failed: ({ message }) => [
      {
        do: 'event',
        about: rs,
        type: 'Warning',
        reason,
        message: creating ? `Error creating: ${message}` : `Error deleting: ${message}`,
      },
      ...status({ type: 'ReplicaFailure', status: 'True', reason, message, lastTransitionTime: formatTime(now) }),
    ],
  }
}

function statusOf(
  rs: ReplicaSet,
  owned: Pod[],
  terminating: number,
  now: Date,
  failure: ReplicaSetCondition | undefined,
): ReplicaSetStatus {
  const template = selectorFromSet(rs.spec.template?.metadata?.labels ?? {})
  const ready = owned.filter(isReady)
  const old = rs.status?.conditions
  // Upstream keeps the first failure's message until it is over.
  const failed = failure && !findCondition(old, 'ReplicaFailure')
  const conditions = failure ? (failed ? withCondition(old, failure) : old) : withoutCondition(old, 'ReplicaFailure')
  return {
    replicas: owned.length,
    fullyLabeledReplicas: nonZero(owned.filter((pod) => template.matches(pod.metadata.labels)).length),
    readyReplicas: nonZero(ready.length),
    availableReplicas: nonZero(ready.filter((pod) => isAvailable(pod, rs.spec.minReadySeconds ?? 0, now)).length),
    terminatingReplicas: terminating,
    observedGeneration: rs.metadata.generation,
    conditions,
  }
}
