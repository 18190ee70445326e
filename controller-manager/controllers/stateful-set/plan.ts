/** One pass over a stateful set: what to make, end or wait for, in the order of ordinals. Pure. */
import type { Pod, PodTemplateSpec, StatefulSet } from '../../../api/generated/types.ts'
import { keyOf } from '../../../api/object.ts'
import { scaledValue } from '../../../api/int-or-string.ts'
import type { Action } from '../../../client/controller.ts'
import { revisionHashLabel } from '../../history.ts'
import { isAvailable, isFinished, isReady } from '../../pods.ts'
import { mergePatch, remove } from '../../status-patch.ts'
import { claimsFor, missingLabels, ordinalOf, podFor, podNameFor } from './identity.ts'

export interface Revisions {
  current: { name: string; template: PodTemplateSpec }
  update: { name: string; template: PodTemplateSpec }
}

export interface Situation {
  set: StatefulSet
  pods: readonly Pod[]
  revisions: Revisions
  /** Is there a claim of this name? */
  hasClaim: (name: string) => boolean
  now: Date
}

const isDying = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined
const isHealthy = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod) && !isDying(pod)
export const revisionOf = ({ metadata }: Pod): string => metadata.labels?.[revisionHashLabel] ?? ''

export const firstOrdinal = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0

const told = (set: StatefulSet, verb: 'create' | 'delete', pod: string): Action => ({
  do: 'event',
  about: set,
  type: 'Normal',
  reason: verb === 'create' ? 'SuccessfulCreate' : 'SuccessfulDelete',
  message: `${verb} Pod ${pod} in StatefulSet ${set.metadata.name} successful`,
})

const end = (set: StatefulSet, pod: Pod): Action[] => [remove(pod), told(set, 'delete', pod.metadata.name)]

export function planStatefulSet(situation: Situation): Action[] {
  const { set, pods } = situation
  const start = firstOrdinal(set)
  const count = set.spec.replicas ?? 1
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set.metadata.name, pod.metadata.name), pod]))
  const ordinals = Array.from({ length: count }, (_, index) => start + index)
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal < start || ordinal >= start + count)
    .toSorted(([a], [b]) => b - a)
    .map(([, pod]) => pod)

  const replicas = planReplicas(situation, ordinals, byOrdinal)
  if (replicas.blocked) return replicas.actions
  const scaledDown = planCondemned(
    situation,
    condemned,
    ordinals.flatMap((ordinal) => byOrdinal.get(ordinal) ?? []),
  )
  if (scaledDown.blocked) return [...replicas.actions, ...scaledDown.actions]
  return [...replicas.actions, ...scaledDown.actions, ...planUpdate(situation, ordinals, byOrdinal)]
}

interface Planned {
  actions: Action[]
  /** Nothing after it may happen in this pass: order is promised. */
  blocked: boolean
}

const isOrdered = ({ spec }: StatefulSet): boolean => spec.podManagementPolicy !== 'Parallel'

function planReplicas(situation: Situation, ordinals: readonly number[], pods: ReadonlyMap<number, Pod>): Planned {
  const { set, now } = situation
  const ordered = isOrdered(set)
  const actions: Action[] = []
  for (const ordinal of ordinals) {
    const pod = pods.get(ordinal)
    if (!pod) {
      actions.push(...createPod(situation, ordinal))
      if (ordered) return { actions, blocked: true }
      continue
    }
    if (isFinished(pod) && !isDying(pod)) {
      actions.push(...recreate(set, pod))
      if (ordered) return { actions, blocked: true }
      continue
    }
    if (ordered && (!isHealthy(pod) || !isAvailable(pod, set.spec.minReadySeconds ?? 0, now))) return { actions, blocked: true }
    const labels = isDying(pod) ? null : missingLabels(set, pod, ordinal)
    if (labels) actions.push(mergePatch(pod, { metadata: { labels } }))
    // A pod that waits for a claim which someone deleted would wait for ever.
    if (pod.status?.phase === 'Pending') actions.push(...createClaims(situation, ordinal))
  }
  return { actions, blocked: actions.some(({ do: what }) => what === 'attempt') }
}

function recreate(set: StatefulSet, pod: Pod): Action[] {
  const failed = pod.status?.phase === 'Failed'
  const message = `StatefulSet ${keyOf(set)} is recreating ${failed ? 'failed' : 'terminated'} Pod ${pod.metadata.name}`
  const reason = failed ? 'RecreatingFailedPod' : 'RecreatingTerminatedPod'
  return [{ do: 'event', about: set, type: failed ? 'Warning' : 'Normal', reason, message }, ...end(set, pod)]
}

function createPod(situation: Situation, ordinal: number): Action[] {
  const { set, revisions } = situation
  const revision = needsCurrent(set, ordinal) ? revisions.current : revisions.update
  const name = podNameFor(set, ordinal)
  const failed = (error: Error): Action[] => [
    {
      do: 'event',
      about: set,
      type: 'Warning',
      reason: 'FailedCreate',
      message: `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${error.message}`,
    },
  ]
  const create: Action = {
    do: 'create',
    kind: 'Pod',
    object: podFor(set, revision.template, revision.name, ordinal),
    created: () => [told(set, 'create', name)],
  }
  return [{ do: 'attempt', actions: [...createClaims(situation, ordinal), create], failed }]
}

const createClaims = ({ set, hasClaim }: Situation, ordinal: number): Action[] =>
  claimsFor(set, ordinal)
    .filter(({ metadata }) => !hasClaim(metadata.name))
    .map((object): Action => ({
      do: 'create',
      kind: 'PersistentVolumeClaim',
      object,
      existsOk: true,
      created: () => [
        {
          do: 'event',
          about: set,
          type: 'Normal',
          reason: 'SuccessfulCreate',
          message: `create Claim ${object.metadata.name} Pod ${podNameFor(set, ordinal)} in StatefulSet ${set.metadata.name} success`,
        },
      ],
    }))

/** Below the partition pods stay at the old revision, also when they are made again. */
function needsCurrent({ spec, status, ...set }: StatefulSet, ordinal: number): boolean {
  if (spec.updateStrategy?.type === 'OnDelete') return false
  const start = firstOrdinal({ spec, ...set })
  const { rollingUpdate } = spec.updateStrategy ?? {}
  return ordinal < start + (rollingUpdate ? (rollingUpdate.partition ?? 0) : (status?.currentReplicas ?? 0))
}

/** From the highest ordinal down, one after the other, and only while all that stay are healthy. */
function planCondemned({ set }: Situation, condemned: readonly Pod[], staying: readonly Pod[]): Planned {
  const ordered = isOrdered(set)
  const firstUnhealthy = [...staying, ...condemned.toReversed()].find((pod) => !isHealthy(pod))
  const actions: Action[] = []
  for (const pod of condemned) {
    if (isDying(pod)) {
      if (ordered) return { actions, blocked: true }
      continue
    }
    // An unhealthy pod further down might be needed still; only the first one may go all the same.
    if (ordered && !isHealthy(pod) && pod !== firstUnhealthy) return { actions, blocked: true }
    actions.push(...end(set, pod))
    if (ordered) return { actions, blocked: true }
  }
  return { actions, blocked: false }
}

function planUpdate({ set, revisions }: Situation, ordinals: readonly number[], pods: ReadonlyMap<number, Pod>): Action[] {
  if (set.spec.updateStrategy?.type === 'OnDelete') return []
  const { partition = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {}
  const limit = Math.max(1, scaledValue(maxUnavailable, ordinals.length, 'up'))
  let unavailable = ordinals.filter((ordinal) => !isHealthy(pods.get(ordinal) ?? ({ metadata: {} } as Pod))).length
  const actions: Action[] = []
  for (const ordinal of ordinals.filter((each) => each >= firstOrdinal(set) + partition).toReversed()) {
    const pod = pods.get(ordinal)
    if (!pod) continue
    const outdated = revisionOf(pod) !== revisions.update.name
    if (outdated && !isDying(pod)) {
      // One that is broken already may be replaced without anything getting worse.
      if (unavailable >= limit && isHealthy(pod)) return actions
      if (isHealthy(pod)) unavailable++
      actions.push(...end(set, pod))
      if (unavailable >= limit) return actions
    } else if (!isHealthy(pod) && unavailable >= limit) return actions
  }
  return actions
}
