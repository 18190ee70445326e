/**
 * Counts finished pods exactly once, whoever crashes when: a pod's UID is written into the status before its finalizer is
 * taken off, and moves into the count once the finalizer is gone. Pure.
 */
import type { Job, Pod } from '../../../api/generated/types.ts'
import { isActive } from '../../pods.ts'
import { judgeFailure } from './failure-policy.ts'
import { failuresByIndex, type IndexFailure } from './per-index.ts'
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
  /** Indexes that have given up, when each has a limit of its own. */
  failedIndexes: Set<number>
  indexFailures: Map<number, IndexFailure>
  /** Pods whose finalizer may go once the status is written. */
  release: Pod[]
  /** A failure that the policy says ends the job. */
  fatal: string | undefined
}

/**
 * With a limit for each index, the latest failed pod of an index stays, uncounted, until its successor carries the number of
 * failures on: `hold`. Once the job is decided nobody needs it.
 */
export function tallyPods(job: Job, pods: readonly Pod[], hold = true): Tally {
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
  const indexFailures = failuresByIndex(job, pods)
  const failedIndexes = parseIndexes(status.failedIndexes, spec.completions ?? 0)
  for (const [index, { final }] of indexFailures) if (final && !completed.has(index)) failedIndexes.add(index)
  const heldPods = hold ? heldForSuccessor(pods, indexFailures, new Set([...completed, ...failedIndexes])) : new Set<Pod>()
  const release: Pod[] = []
  let fatal: string | undefined
  for (const pod of tracked.values()) {
    const failed = hasFailed(pod, job)
    if (!hasSucceeded(pod) && !failed) continue
    const held = heldPods.has(pod) && !known.has(pod.metadata.uid)
    if (!held) release.push(pod)
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
    if (verdict.action !== 'Ignore' && !held) uncounted.failed.push(pod.metadata.uid)
  }
  return {
    settled,
    uncounted,
    succeeded: settled.succeeded + uncounted.succeeded.length,
    failed:
      settled.failed + uncounted.failed.length + [...heldPods].filter((pod) => judgeFailure(job, pod).action !== 'Ignore').length,
    completed,
    failedIndexes,
    indexFailures,
    completedIndexes: isIndexed(job) ? formatIndexes(completed) : undefined,
    release,
    fatal,
  }
}

function heldForSuccessor(
  pods: readonly Pod[],
  failures: ReadonlyMap<number, IndexFailure>,
  settled: ReadonlySet<number>,
): Set<Pod> {
  const held = new Set<Pod>()
  for (const [index, { pod }] of failures) if (!settled.has(index) && isTracked(pod)) held.add(pod)
  // A pod that has not ended came after the one that failed.
  for (const pod of pods) {
    const index = indexOf(pod)
    const failed = index === undefined ? undefined : failures.get(index)
    if (failed && pod !== failed.pod && isActive(pod)) held.delete(failed.pod)
  }
  return held
}
