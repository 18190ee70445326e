/** How long a container that ended waits before it is started again: at once, then 10 s doubling to 5 min. */
import type { RestartBackoff } from './pod-facts.ts'

const initialMs = 10_000
const maxMs = 300_000
/** A container that ran this long before it ended starts from the beginning again. */
const resetMs = 2 * maxMs

/** Milliseconds since 1970 until which the container that ended at `finishedMs` has to wait; 0 when it need not. */
export function backoffUntil(entry: RestartBackoff | undefined, finishedMs: number, nowMs: number): number {
  if (!entry || nowMs - entry.updatedMs > resetMs || finishedMs - entry.updatedMs > resetMs) return 0
  const until = finishedMs + entry.delayMs
  // An end that lies ahead was before the clock was set back.
  return until > nowMs && until - nowMs <= entry.delayMs ? until : 0
}

/** The entry after one more start. */
export function nextBackoff(entry: RestartBackoff | undefined, finishedMs: number, nowMs: number): RestartBackoff {
  const expired = !entry || finishedMs - entry.updatedMs > resetMs
  return { delayMs: expired ? initialMs : Math.min(maxMs, entry.delayMs * 2), updatedMs: nowMs }
}

/** Go prints durations like `10s`, `1m20s`, `5m0s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
