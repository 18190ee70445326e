/** Is a job done, and how: success, or the first of the reasons to give up. Pure. */
import type { Job, Pod } from '../../../api/generated/types.ts'
import { finishedAt, hasFailed, hasSucceeded, isIndexed } from './pods.ts'
import { matchSuccessPolicy } from './success-policy.ts'
import type { Tally } from './tally.ts'

export interface Outcome {
  type: 'Complete' | 'Failed'
  reason: string
  message: string
}

const failed = (reason: string, message: string): Outcome => ({ type: 'Failed', reason, message })

export function outcomeOf(job: Job, tally: Tally, active: readonly Pod[], now: Date): Outcome | null {
  const limit = job.spec.backoffLimit ?? (job.spec.backoffLimitPerIndex === undefined ? 6 : Infinity)
  if (tally.fatal !== undefined) return failed('PodFailurePolicy', tally.fatal)
  if (tally.failed > limit || restartsExceed(job, active, limit)) {
    return failed('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  }
  if (deadlineMs(job, now) === 0) return failed('DeadlineExceeded', 'Job was active longer than specified deadline')
  const indexed = isIndexed(job) ? outcomeOfIndexes(job, tally) : null
  if (indexed) return indexed
  return isComplete(job, tally, active)
    ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : null
}

function outcomeOfIndexes(job: Job, { completed, failedIndexes }: Tally): Outcome | null {
  const { completions = 0, maxFailedIndexes = Infinity } = job.spec
  if (failedIndexes.size > maxFailedIndexes) {
    return failed('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  }
  if (failedIndexes.size > 0 && failedIndexes.size + completed.size >= completions) {
    return failed('FailedIndexes', 'Job has failed indexes')
  }
  const message = matchSuccessPolicy(job, completed)
  return message === null ? null : { type: 'Complete', reason: 'SuccessPolicy', message }
}

function isComplete(job: Job, tally: Tally, active: readonly Pod[]): boolean {
  const { completions } = job.spec
  // Without a number of completions, the pods agree among themselves: one success, and all others end.
  if (completions === undefined) return tally.succeeded > 0 && active.length === 0
  return (isIndexed(job) ? tally.completed.size : tally.succeeded) >= completions
}

/** Containers that are restarted in place fail as well. */
function restartsExceed({ spec }: Job, active: readonly Pod[], limit: number): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false
  const restarts = active
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0)
  return limit === 0 ? restarts > 0 : restarts >= limit
}

/** Milliseconds until the deadline: 0 when it is past, null without one. */
export function deadlineMs({ spec, status }: Job, now: Date): number | null {
  if (spec.activeDeadlineSeconds === undefined || !status?.startTime || spec.suspend) return null
  return Math.max(0, Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - now.getTime())
}

const firstBackoffMs = 10_000
const longestBackoffMs = 600_000

/** The wait that follows so many failures in a row. */
export const delayAfter = (failures: number): number =>
  failures === 0 ? 0 : Math.min(longestBackoffMs, firstBackoffMs * 2 ** (failures - 1))

/** How long to wait before new pods: 10 s after a failure, doubling with each that follows without a success between. */
export function backoffMs(job: Job, pods: readonly Pod[], now: Date): number {
  const lastSuccess = Math.max(0, ...pods.filter(hasSucceeded).map(finishedAt))
  const failures = pods
    .filter((pod) => hasFailed(pod, job))
    .map(finishedAt)
    .filter((at) => at > lastSuccess)
  if (failures.length === 0) return 0
  return Math.max(0, Math.max(...failures) + delayAfter(failures.length) - now.getTime())
}
