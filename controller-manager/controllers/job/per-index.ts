/** backoffLimitPerIndex: each index fails, waits and gives up by itself; the count of its failures travels from pod to pod. Pure. */
import type { Job, Pod } from '../../../api/generated/types.ts'
import { judgeFailure } from './failure-policy.ts'
import { delayAfter } from './outcome.ts'
import { finishedAt, hasFailed, indexOf, isIndexed } from './pods.ts'

const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count'
const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

export const limitsEachIndex = (job: Job): boolean => isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined

/** How an index stands after its latest failed pod. */
export interface IndexFailure {
  /** With this pod; those that a policy ignores are apart. */
  failures: number
  ignored: number
  pod: Pod
  /** No further pod: the limit is reached, or a policy says so. */
  final: boolean
}

export function failuresByIndex(job: Job, pods: readonly Pod[]): Map<number, IndexFailure> {
  const latest = new Map<number, IndexFailure>()
  if (!limitsEachIndex(job)) return latest
  for (const pod of pods) {
    const index = indexOf(pod)
    if (index === undefined || index >= (job.spec.completions ?? 0) || !hasFailed(pod, job)) continue
    const failure = failureOf(job, pod)
    const known = latest.get(index)
    if (!known || failure.failures + failure.ignored > known.failures + known.ignored) latest.set(index, failure)
  }
  return latest
}

const countOf = ({ metadata }: Pod, annotation: string): number => Number(metadata.annotations?.[annotation] ?? 0) || 0

function failureOf(job: Job, pod: Pod): IndexFailure {
  const before = countOf(pod, failureCountAnnotation)
  const ignoredBefore = countOf(pod, ignoredCountAnnotation)
  const { action } = judgeFailure(job, pod)
  if (action === 'Ignore') return { failures: before, ignored: ignoredBefore + 1, pod, final: false }
  const final = action === 'FailIndex' || before >= (job.spec.backoffLimitPerIndex ?? Infinity)
  return { failures: before + 1, ignored: ignoredBefore, pod, final }
}

/** Milliseconds until the index may have its next pod. */
export const indexWaitMs = ({ failures, ignored, pod }: IndexFailure, now: Date): number =>
  Math.max(0, finishedAt(pod) + delayAfter(failures + ignored) - now.getTime())

/** What the next pod of the index carries. */
export const countAnnotations = (failure: IndexFailure | undefined): Record<string, string> => ({
  [failureCountAnnotation]: String(failure?.failures ?? 0),
  ...(failure?.ignored ? { [ignoredCountAnnotation]: String(failure.ignored) } : {}),
})
