/**
 * Counts finished pods exactly once, whoever crashes when: a pod's UID is written into the status before its finalizer is
 * taken off, and moves into the count once the finalizer is gone. Pure.
 */
import type { Job, Pod } from '../../../api/generated/types.ts'
import { judgeFailure } from './failure-policy.ts'
import { formatIndexes, hasFailed, hasSucceeded, indexOf, isIndexed, isTracked, parseIndexes } from './pods.ts'

export interface Tally {
  /** For the status: settled counts, and UIDs on their way into them. */
  settled: { succeeded: number; failed: number }
  uncounted: { succeeded: string[]; failed: string[] }
  /** For decisions: both together. */
  succeeded: number
  failed: number
  completed: Set<number>
  completedIndexes: string | undefined
  /** Pods whose finalizer may go once the status is written. */
  release: Pod[]
  /** A failure that the policy says ends the job. */
  fatal: string | undefined
}

export function tallyPods(job: Job, pods: readonly Pod[]): Tally {
  const { status = {}, spec } = job
  const tracked = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid, pod]))
  const settled = { succeeded: status.succeeded ?? 0, failed: status.failed ?? 0 }
  const uncounted = { succeeded: [] as string[], failed: [] as string[] }
  for (const outcome of ['succeeded', 'failed'] as const) {
    for (const uid of status.uncountedTerminatedPods?.[outcome] ?? []) {
      if (tracked.has(uid)) uncounted[outcome].push(uid)
      else settled[outcome]++
    }
  }
  const completed = parseIndexes(status.completedIndexes, spec.completions ?? 0)
  const known = new Set([...uncounted.succeeded, ...uncounted.failed])
  const release: Pod[] = []
  let fatal: string | undefined
  for (const pod of tracked.values()) {
    const failed = hasFailed(pod, job)
    if (!hasSucceeded(pod) && !failed) continue
    release.push(pod)
    if (known.has(pod.metadata.uid)) continue
    if (!failed) {
      const index = indexOf(pod)
      // A second success of an index adds nothing; neither does one beyond the number of completions.
      if (!isIndexed(job)) uncounted.succeeded.push(pod.metadata.uid)
      else if (index !== undefined && index < (spec.completions ?? 0) && !completed.has(index)) {
        completed.add(index)
        uncounted.succeeded.push(pod.metadata.uid)
      }
      continue
    }
    const verdict = judgeFailure(job, pod)
    if (verdict.action === 'FailJob') fatal ??= verdict.message
    if (verdict.action !== 'Ignore') uncounted.failed.push(pod.metadata.uid)
  }
  return {
    settled,
    uncounted,
    succeeded: settled.succeeded + uncounted.succeeded.length,
    failed: settled.failed + uncounted.failed.length,
    completed,
    completedIndexes: isIndexed(job) ? formatIndexes(completed) : undefined,
    release,
    fatal,
  }
}
