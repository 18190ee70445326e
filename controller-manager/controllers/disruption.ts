/** PodDisruptionBudget: how many pods may be missing, and how many more may be evicted right now. */
import type { Condition, LabelSelector, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/generated/types.ts'
import { isPercent, scaledValue } from '../../api/int-or-string.ts'
import { toSelector } from '../../api/labels.ts'
import { controllerOf, keyOf } from '../../api/object.ts'
import { formatTime } from '../../api/time.ts'
import type { Cache } from '../../client/cache.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { findCondition } from '../conditions.ts'
import { isFinished, isReady } from '../pods.ts'
import { mergeDiff, mergePatch } from '../status-patch.ts'

/** An eviction that was allowed and has not shown by then did not happen. */
const evictionTimeoutMs = 2 * 60_000

export interface Observed {
  pods: Pod[]
  /** Wanted replicas of each pod's controller, by the controller's UID; undefined for one that cannot be scaled. */
  scaleOf: (pod: Pod) => { uid: string; replicas: number } | undefined
}

export const disruption: Controller<'PodDisruptionBudget', Observed> = {
  name: 'disruption-controller',
  for: 'PodDisruptionBudget',
  watches: [
    {
      kind: 'Pod',
      wakes: ({ metadata }: Pod, cache) =>
        cache
          .of('PodDisruptionBudget')
          .list(metadata.namespace)
          .filter(({ spec }) => toSelector(spec?.selector).matches(metadata.labels))
          .map(keyOf),
    },
  ],
  reads: ['ReplicaSet', 'Deployment', 'StatefulSet', 'ReplicationController'],
  observe: ({ metadata: { namespace }, spec }, cache) => {
    const selector = toSelector(spec?.selector)
    return {
      pods: cache
        .of('Pod')
        .list(namespace)
        .filter((pod) => selector.matches(pod.metadata.labels) && !isFinished(pod)),
      scaleOf: (pod) => scaleOf(pod, cache),
    }
  },
  reconcile,
}

/** A replica set of a deployment is not asked: in a rollout there are two of them. */
function scaleOf(pod: Pod, cache: Cache): { uid: string; replicas: number } | undefined {
  const owner = controllerOf(pod)
  const { namespace } = pod.metadata
  if (!owner) return undefined
  const find = (kind: 'ReplicaSet' | 'StatefulSet' | 'ReplicationController' | 'Deployment', name: string, uid: string) => {
    const found = cache.of(kind).get({ namespace, name })
    return found?.metadata.uid === uid ? found : undefined
  }
  const { kind, name, uid } = owner
  if (kind !== 'ReplicaSet' && kind !== 'StatefulSet' && kind !== 'ReplicationController') return undefined
  const controller = find(kind, name, uid)
  const parent = controller && controllerOf(controller)
  const deployment = parent?.kind === 'Deployment' ? find('Deployment', parent.name, parent.uid) : undefined
  const scaled = deployment ?? controller
  return scaled && { uid: scaled.metadata.uid, replicas: scaled.spec?.replicas ?? 1 }
}

export function reconcile(budget: PodDisruptionBudget, observed: Observed, now: Date): Action[] {
  if (budget.metadata.deletionTimestamp) return []
  const { disrupted, nextMs } = pendingEvictions(budget, observed.pods, now)
  const healthy = observed.pods.filter(
    (pod) => !pod.metadata.deletionTimestamp && !disrupted[pod.metadata.name] && isReady(pod),
  ).length
  const expectation = expectedOf(budget, observed)
  const status: PodDisruptionBudgetStatus =
    typeof expectation === 'string'
      ? { ...budget.status, disruptionsAllowed: 0, observedGeneration: budget.metadata.generation }
      : {
          currentHealthy: healthy,
          desiredHealthy: expectation.desired,
          expectedPods: expectation.expected,
          disruptionsAllowed: expectation.expected > 0 ? Math.max(0, healthy - expectation.desired) : 0,
          disruptedPods: disrupted,
          observedGeneration: budget.metadata.generation,
        }
  const problem = typeof expectation === 'string' ? expectation : undefined
  const unmanaged = typeof expectation === 'string' ? [] : expectation.unmanaged
  const next = { ...status, conditions: [conditionOf(budget, status.disruptionsAllowed ?? 0, problem, now)] }
  const diff = mergeDiff({ ...budget.status }, next)
  // Evictions count down the same number at the same time: neither may overwrite the other.
  const exact = { resourceVersion: budget.metadata.resourceVersion }
  return [
    ...(problem
      ? [warn(budget, 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${problem}`)]
      : []),
    ...(unmanaged.length > 0 ? [warn(budget, 'UnmanagedPods', unmanagedMessage(budget))] : []),
    ...(diff ? [mergePatch(budget, { status: diff, metadata: exact }, 'status')] : []),
    ...(nextMs === undefined ? [] : [{ do: 'requeue' as const, afterMs: nextMs }]),
  ]
}

const warn = (about: PodDisruptionBudget, reason: string, message: string): Action => ({
  do: 'event',
  about,
  type: 'Warning',
  reason,
  message,
})

const unmanagedMessage = ({ spec }: PodDisruptionBudget): string =>
  `Pods selected by this PodDisruptionBudget (selector: ${selectorText(spec?.selector)}) were found to be unmanaged. ` +
  'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
  'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'

/** As Go writes the struct. */
function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
  const labels = Object.entries(matchLabels).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  const map = `map[string]string{${labels.map(([key, value]) => `${key}: ${value},`).join('')}}`
  return `&LabelSelector{MatchLabels:${map},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
}

function pendingEvictions({ status }: PodDisruptionBudget, pods: readonly Pod[], now: Date) {
  const disrupted: Record<string, string> = {}
  let nextMs: number | undefined
  for (const [name, time] of Object.entries(status?.disruptedPods ?? {})) {
    const waitMs = Date.parse(time) + evictionTimeoutMs - now.getTime()
    const pod = pods.find(({ metadata }) => metadata.name === name)
    if (!pod || pod.metadata.deletionTimestamp || waitMs <= 0) continue
    disrupted[name] = time
    nextMs = Math.min(nextMs ?? Infinity, waitMs)
  }
  return { disrupted, nextMs }
}

interface Expectation {
  expected: number
  desired: number
  /** Pods that nobody keeps: of these nobody wants a number. */
  unmanaged: Pod[]
}

/** A share is one of what the controllers want, not of what there happens to be. */
function expectedOf({ spec }: PodDisruptionBudget, { pods, scaleOf }: Observed): Expectation | string {
  const { minAvailable, maxUnavailable } = spec ?? {}
  if (maxUnavailable === undefined && (minAvailable === undefined || !isPercent(minAvailable))) {
    return { expected: pods.length, desired: typeof minAvailable === 'number' ? minAvailable : 1, unmanaged: [] }
  }
  const scales = new Map<string, number>()
  const unmanaged = pods.filter((pod) => !controllerOf(pod))
  for (const pod of pods) {
    if (unmanaged.includes(pod)) continue
    const scale = scaleOf(pod)
    if (!scale) return `found no controllers for pod ${JSON.stringify(pod.metadata.name)}`
    scales.set(scale.uid, scale.replicas)
  }
  const expected = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0)
  if (maxUnavailable !== undefined)
    return { expected, desired: Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up')), unmanaged }
  return { expected, desired: scaledValue(minAvailable ?? 0, expected, 'up'), unmanaged }
}

function conditionOf(
  { status, metadata }: PodDisruptionBudget,
  allowed: number,
  problem: string | undefined,
  now: Date,
): Condition {
  const current = findCondition(status?.conditions, 'DisruptionAllowed')
  const truth = allowed > 0 ? 'True' : 'False'
  const reason = problem ? 'SyncFailed' : allowed > 0 ? 'SufficientPods' : 'InsufficientPods'
  return {
    type: 'DisruptionAllowed',
    status: truth,
    reason,
    message: problem ?? '',
    observedGeneration: metadata.generation,
    lastTransitionTime: current?.status === truth && current.lastTransitionTime ? current.lastTransitionTime : formatTime(now),
  }
}
