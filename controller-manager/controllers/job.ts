/** Job: run pods until enough of them have succeeded, or it is clear that they will not. */
import type { Job, JobCondition, JobStatus, Pod } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import { formatTime } from '../../api/time.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { claim, orphanIndex, orphansWake } from '../claim.ts'
import { isConditionTrue, withCondition } from '../conditions.ts'
import { isActive, isReady, isTerminating } from '../pods.ts'
import { nonZero, remove, updateStatus } from '../status-patch.ts'
import { cheapestToLose } from '../victims.ts'
import { backoffMs, deadlineMs, outcomeOf, type Outcome } from './job/outcome.ts'
import { countAnnotations, indexWaitMs, limitsEachIndex } from './job/per-index.ts'
import { formatIndexes, hasSucceeded, holdsPlace, indexOf, isIndexed, isTracked, podFor, releasePod } from './job/pods.ts'
import { tallyPods, type Tally } from './job/tally.ts'

const burst = 500
const ownManager = 'kubernetes.io/job-controller'

export const job: Controller<'Job', Pod[]> = {
  name: 'job-controller',
  for: 'Job',
  owns: ['Pod'],
  watches: [orphansWake('Pod', 'Job', ({ spec }) => spec.selector)],
  indexes: { Pod: orphanIndex },
  observe: ({ metadata }, cache) => [
    ...cache.of('Pod').controlledBy(metadata.uid),
    ...cache.of('Pod').byIndex('orphans', metadata.namespace ?? ''),
  ],
  reconcile,
  // Finalizers of pods whose job went without us seeing them end would keep them for ever.
  gone: ({ namespace, name }, cache) =>
    cache
      .of('Pod')
      .list(namespace)
      .filter(
        (pod) =>
          isTracked(pod) &&
          pod.metadata.ownerReferences?.some((owner) => owner.controller && owner.kind === 'Job' && owner.name === name),
      )
      .map(releasePod),
}

export const isJobFinished = ({ status }: Job): boolean =>
  isConditionTrue(status?.conditions, 'Complete') || isConditionTrue(status?.conditions, 'Failed')

export function reconcile(job: Job, candidates: readonly Pod[], now: Date): Action[] {
  if (job.spec.managedBy && job.spec.managedBy !== ownManager) return []
  const selector = toSelector(job.spec.selector)
  const { owned: pods, actions } = claim(job, candidates, (pod) => selector.matches(pod.metadata.labels))
  if (isJobFinished(job)) return [...actions, ...pods.filter(isTracked).map(releasePod)]

  const holding = tallyPods(job, pods)
  const active = pods.filter((pod) => isActive(pod) && !hasSucceeded(pod))
  const outcome = interimOutcome(job) ?? outcomeOf(job, holding, active, now)
  const dying = job.metadata.deletionTimestamp !== undefined
  const tally = outcome || dying ? tallyPods(job, pods, false) : holding
  const changes = dying
    ? []
    : outcome
      ? active.flatMap((pod) => giveUp(job, pod))
      : job.spec.suspend
        ? active.flatMap((pod) => takeBack(job, pod))
        : managePods(job, pods, active, tally, now)
  const status = statusOf(job, pods, active, tally, outcome, now)
  const waits = outcome ? [] : [deadlineMs(job, now), ...backoffs(job, pods, tally, now)].filter((ms) => ms !== null && ms > 0)
  return [
    ...actions,
    ...updateStatus(job, status),
    ...tally.release.map(releasePod),
    ...changes,
    ...eventsOf(job, status),
    ...(waits.length > 0 ? [{ do: 'requeue' as const, afterMs: Math.min(...(waits as number[])) }] : []),
  ]
}

/** Decided in an earlier pass, and only waiting for pods to end: it must not change its mind. */
function interimOutcome({ status }: Job): Outcome | null {
  for (const [interim, type] of [
    ['SuccessCriteriaMet', 'Complete'],
    ['FailureTarget', 'Failed'],
  ] as const) {
    const found = status?.conditions?.find((condition) => condition.type === interim && condition.status === 'True')
    if (found) return { type, reason: found.reason ?? '', message: found.message ?? '' }
  }
  return null
}

const giveUp = (job: Job, pod: Pod): Action[] => [
  remove(pod),
  { do: 'event', about: job, type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` },
]

/** That it ends is our own doing: without its finalizer it is not counted, so that no job fails of being made smaller. */
const takeBack = (job: Job, pod: Pod): Action[] => [...(isTracked(pod) ? [releasePod(pod)] : []), ...giveUp(job, pod)]

/** With a limit for each index, each waits by itself. */
const backoffs = (job: Job, pods: readonly Pod[], { indexFailures, failedIndexes, completed }: Tally, now: Date): number[] =>
  limitsEachIndex(job)
    ? [...indexFailures]
        .filter(([index]) => !failedIndexes.has(index) && !completed.has(index))
        .map(([, failure]) => indexWaitMs(failure, now))
    : [backoffMs(job, pods, now)]

function managePods(job: Job, pods: readonly Pod[], active: readonly Pod[], tally: Tally, now: Date): Action[] {
  const { completions, parallelism = 1 } = job.spec
  const done = isIndexed(job) ? tally.completed.size : tally.succeeded
  const wanted =
    completions === undefined
      ? done > 0
        ? Math.min(active.length, parallelism)
        : parallelism
      : Math.min(completions - done - tally.failedIndexes.size, parallelism)
  const surplus = surplusPods(job, active, tally, wanted, now)
  if (surplus.length > 0) return surplus.flatMap((pod) => takeBack(job, pod))
  const held = pods.filter((pod) => holdsPlace(pod, job))
  const missing = Math.min(wanted - active.length - held.length, burst)
  if (missing <= 0 || (!limitsEachIndex(job) && backoffMs(job, pods, now) > 0)) return []
  const indexes = isIndexed(job)
    ? freeIndexes(job, [...active, ...held], tally, missing, now)
    : Array.from({ length: missing }, () => undefined)
  if (indexes.length === 0) return []
  return [
    {
      do: 'attempt',
      actions: [{ do: 'batch', actions: indexes.map((index) => createPod(job, index, tally)) }],
      failed: ({ message }) => [
        { do: 'event', about: job, type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${message}` },
      ],
    },
  ]
}

/** Too many, doubles of an index, and indexes that are done or out of range. */
function surplusPods(job: Job, active: readonly Pod[], tally: Tally, wanted: number, now: Date): Pod[] {
  if (!isIndexed(job)) return cheapestToLose(active, () => 0, now).slice(0, Math.max(0, active.length - wanted))
  const seen = new Set<number>()
  const kept: Pod[] = []
  const surplus: Pod[] = []
  for (const pod of active.toSorted((a, b) => (indexOf(a) ?? Infinity) - (indexOf(b) ?? Infinity))) {
    const index = indexOf(pod)
    const useful =
      index !== undefined &&
      index < (job.spec.completions ?? 0) &&
      !tally.completed.has(index) &&
      !tally.failedIndexes.has(index) &&
      !seen.has(index)
    if (useful) seen.add(index)
    ;(useful ? kept : surplus).push(pod)
  }
  return [...surplus, ...kept.slice(Math.max(0, wanted))]
}

function freeIndexes(job: Job, taken: readonly Pod[], tally: Tally, count: number, now: Date): number[] {
  const waiting = [...tally.indexFailures].filter(([, failure]) => indexWaitMs(failure, now) > 0).map(([index]) => index)
  const used = new Set([...tally.completed, ...tally.failedIndexes, ...waiting, ...taken.map(indexOf)])
  const free: number[] = []
  for (let index = 0; index < (job.spec.completions ?? 0) && free.length < count; index++) if (!used.has(index)) free.push(index)
  return free
}

const createPod = (job: Job, index: number | undefined, { indexFailures }: Tally): Action => ({
  do: 'create',
  kind: 'Pod',
  object: podFor(job, index, index !== undefined && limitsEachIndex(job) ? countAnnotations(indexFailures.get(index)) : {}),
  created: ({ metadata }) => [
    { do: 'event', about: job, type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${metadata.name}` },
  ],
})

function statusOf(
  job: Job,
  pods: readonly Pod[],
  active: readonly Pod[],
  tally: Tally,
  outcome: Outcome | null,
  now: Date,
): JobStatus {
  const { uncounted, settled } = tally
  const waiting = uncounted.succeeded.length + uncounted.failed.length > 0
  const status: JobStatus = {
    ...job.status,
    startTime: job.spec.suspend ? undefined : (job.status?.startTime ?? formatTime(now)),
    active: nonZero(outcome || job.spec.suspend ? 0 : active.length),
    ready: outcome || job.spec.suspend ? 0 : active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded: nonZero(settled.succeeded),
    failed: nonZero(settled.failed),
    completedIndexes: tally.completedIndexes,
    // Upstream keeps an empty text where each index has a limit.
    failedIndexes: limitsEachIndex(job) ? (formatIndexes(tally.failedIndexes) ?? '') : undefined,
    uncountedTerminatedPods: uncounted,
  }
  const conditions = suspendConditions(job, now)
  if (!outcome) return { ...status, conditions }
  // The last word is said when every pod has ended and been counted: who waits for it may rely on that.
  const final = !waiting && active.length === 0 && status.terminating === 0
  const interim = outcome.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget'
  const add = (list: JobCondition[], type: string) =>
    withCondition(list, conditionOf(type, 'True', outcome.reason, outcome.message, now))
  const told = add(conditions, interim)
  return {
    ...status,
    conditions: final ? add(told, outcome.type) : told,
    ...(final && outcome.type === 'Complete' ? { completionTime: formatTime(now) } : {}),
  }
}

const conditionOf = (type: string, status: string, reason: string, message: string, now: Date): JobCondition => ({
  type,
  status,
  reason,
  message,
  lastProbeTime: formatTime(now),
  lastTransitionTime: formatTime(now),
})

function suspendConditions({ spec, status }: Job, now: Date): JobCondition[] {
  const current = status?.conditions ?? []
  if (spec.suspend) return withCondition(current, conditionOf('Suspended', 'True', 'JobSuspended', 'Job suspended', now))
  if (!isConditionTrue(current, 'Suspended')) return [...current]
  return withCondition(current, conditionOf('Suspended', 'False', 'JobResumed', 'Job resumed', now))
}

/** What the conditions say for the first time. */
function eventsOf(job: Job, { conditions }: JobStatus): Action[] {
  return (conditions ?? []).flatMap(({ type, status, reason = '', message = '' }): Action[] => {
    const before = job.status?.conditions?.find((condition) => condition.type === type)
    if (before?.status === status) return []
    const event = (kind: 'Normal' | 'Warning', why: string, text: string): Action[] => [
      { do: 'event', about: job, type: kind, reason: why, message: text },
    ]
    if (type === 'Complete') return event('Normal', 'Completed', 'Job completed')
    if (type === 'Failed') return event('Warning', reason, message)
    if (type === 'Suspended')
      return status === 'True' ? event('Normal', 'Suspended', 'Job suspended') : event('Normal', 'Resumed', 'Job resumed')
    return []
  })
}
