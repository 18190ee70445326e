/** StatefulSet: pods with names and claims of their own, made, updated and ended in order. */
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet, StatefulSetStatus } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import { controllerReference } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { claim, orphanIndex, orphansWake } from '../claim.ts'
import { expiredRevisions, planHistory, templateOf } from '../history.ts'
import { isAvailable, isReady, untilNextAvailable } from '../pods.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { mergePatch, nonZero, updateStatus } from '../status-patch.ts'
import { claimsFor, ordinalOf } from './stateful-set/identity.ts'
import { firstOrdinal, planStatefulSet, revisionOf, type Revisions } from './stateful-set/plan.ts'

export interface Observed {
  pods: Pod[]
  revisions: ControllerRevision[]
  claimOf: (name: string) => PersistentVolumeClaim | undefined
}

export const statefulSet: Controller<'StatefulSet', Observed> = {
  name: 'statefulset-controller',
  for: 'StatefulSet',
  owns: ['Pod', 'ControllerRevision'],
  watches: [orphansWake('Pod', 'StatefulSet', ({ spec }) => spec.selector)],
  reads: ['PersistentVolumeClaim'],
  indexes: { Pod: orphanIndex, ControllerRevision: orphanIndex },
  observe: ({ metadata: { uid, namespace = '' } }, cache) => ({
    pods: [...cache.of('Pod').controlledBy(uid), ...cache.of('Pod').byIndex('orphans', namespace)],
    revisions: [
      ...cache.of('ControllerRevision').controlledBy(uid),
      ...cache.of('ControllerRevision').byIndex('orphans', namespace),
    ],
    claimOf: (name) => cache.of('PersistentVolumeClaim').get({ namespace, name }),
  }),
  reconcile,
}

export function reconcile(set: StatefulSet, observed: Observed, now: Date): Action[] {
  const { name } = set.metadata
  const selector = toSelector(set.spec.selector)
  const claimed = claim(
    set,
    observed.pods,
    (pod) => selector.matches(pod.metadata.labels) && ordinalOf(name, pod.metadata.name) >= 0,
  )
  const history = claim(set, observed.revisions, ({ metadata }) => selector.matches(metadata.labels))
  const pods = claimed.owned
  const planned = planHistory(set, history.owned, set.status?.collisionCount)
  if (planned.collides)
    return updateStatus(set, { ...set.status, replicas: pods.length, collisionCount: (set.status?.collisionCount ?? 0) + 1 })

  const revisions = revisionsOf(set, history.owned, planned.current.name)
  const dying = set.metadata.deletionTimestamp !== undefined
  const status = statusOf(set, pods, revisions, now)
  const inUse = new Set([revisions.current.name, revisions.update.name, ...pods.map(revisionOf)])
  const wait = untilNextAvailable(pods, set.spec.minReadySeconds ?? 0, now)
  return [
    ...claimed.actions,
    ...history.actions,
    ...(dying ? [] : planned.actions),
    ...(dying ? [] : retainClaims(set, pods, observed)),
    ...(dying
      ? []
      : planStatefulSet({ set, pods, revisions, hasClaim: (claimName) => observed.claimOf(claimName) !== undefined, now })),
    ...(dying ? [] : expiredRevisions(history.owned, inUse, set.spec.revisionHistoryLimit)),
    ...updateStatus(set, status),
    ...(wait === null ? [] : [{ do: 'requeue' as const, afterMs: wait }]),
  ]
}

/** Until a rollout is over, the old revision is the current one: it is what a pod below the partition gets. */
function revisionsOf(set: StatefulSet, known: readonly ControllerRevision[], updateName: string): Revisions {
  const update = { name: updateName, template: set.spec.template }
  const currentName = set.status?.currentRevision
  const found = known.find(({ metadata }) => metadata.name === currentName)
  const template = found && templateOf(found)
  return { update, current: found && template ? { name: found.metadata.name, template } : update }
}

function statusOf(set: StatefulSet, pods: readonly Pod[], { current, update }: Revisions, now: Date): StatefulSetStatus {
  const started = pods.filter(({ status }) => status?.phase !== undefined)
  const staying = started.filter(({ metadata }) => !metadata.deletionTimestamp)
  const ready = started.filter((pod) => pod.status?.phase === 'Running' && isReady(pod))
  const at = (revision: string) => staying.filter((pod) => revisionOf(pod) === revision).length
  const status = {
    ...set.status,
    observedGeneration: set.metadata.generation,
    replicas: started.length,
    readyReplicas: nonZero(ready.length),
    availableReplicas: ready.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length,
    currentReplicas: nonZero(at(current.name)),
    updatedReplicas: nonZero(at(update.name)),
    currentRevision: current.name,
    updateRevision: update.name,
    collisionCount: set.status?.collisionCount ?? 0,
  }
  const wanted = set.spec.replicas ?? 1
  const complete =
    set.spec.updateStrategy?.type !== 'OnDelete' &&
    (status.updatedReplicas ?? 0) === wanted &&
    started.length === wanted &&
    ready.length === wanted
  return complete ? { ...status, currentRevision: update.name, currentReplicas: status.updatedReplicas } : status
}

/** The retention policy as owner references: claims that are to go with the set name the set, those of lost ordinals their pod. */
function retainClaims(set: StatefulSet, pods: readonly Pod[], { claimOf }: Observed): Action[] {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  const end = firstOrdinal(set) + (set.spec.replicas ?? 1)
  return pods.flatMap((pod) => {
    const ordinal = ordinalOf(set.metadata.name, pod.metadata.name)
    const condemned = ordinal < firstOrdinal(set) || ordinal >= end
    return claimsFor(set, ordinal).flatMap(({ metadata }): Action[] => {
      const current = claimOf(metadata.name)
      if (!current) return []
      const others = (current.metadata.ownerReferences ?? []).filter(
        ({ uid }) => uid !== set.metadata.uid && uid !== pod.metadata.uid,
      )
      const owner = condemned && whenScaled === 'Delete' ? pod : whenDeleted === 'Delete' ? set : undefined
      const wanted = owner
        ? [...others, { ...controllerReference(owner), controller: owner === set, blockOwnerDeletion: owner === set }]
        : others
      return semanticEqual(wanted, current.metadata.ownerReferences)
        ? []
        : [mergePatch(current, { metadata: { ownerReferences: wanted } })]
    })
  })
}
