/**
 * Gives back memory that a burst of work left behind, once the process has nothing to do.
 *
 * V8 collects when it allocates: a process that stops allocating keeps the garbage of its last burst for good, and in a lab of
 * a dozen processes that is most of what they hold. Works where Node was started with `--expose-gc`, does nothing elsewhere.
 */
import { getHeapStatistics } from 'node:v8'

const LOOK_EVERY_MS = 20_000
/** What is left of a processor's time when only heartbeats and leases are written. */
const IDLE_SHARE = 0.03
const WORTHWHILE_BYTES = 8 << 20
/** Collecting stops the process for about a millisecond a megabyte: not for heaps whose pause a client would feel. */
const LARGEST_BYTES = 256 << 20

export interface HeapLook {
  usedBytes: number
  /** Used right after the last collection of ours; 0 before the first. */
  floorBytes: number
  /** Processor time since the last look, as a share of one processor. */
  cpuShare: number
}

export function isWorthCollecting({ usedBytes, floorBytes, cpuShare }: HeapLook): boolean {
  const grown = usedBytes - floorBytes
  return cpuShare < IDLE_SHARE && grown > Math.max(WORTHWHILE_BYTES, floorBytes / 4) && usedBytes < LARGEST_BYTES
}

/** Looks from time to time, for as long as the process lives. */
export function collectWhenIdle(): void {
  const collect = globalThis.gc
  if (!collect) return
  let floorBytes = 0
  let before = process.cpuUsage()
  setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    before = process.cpuUsage()
    const cpuShare = (user + system) / 1000 / LOOK_EVERY_MS
    if (!isWorthCollecting({ usedBytes: getHeapStatistics().used_heap_size, floorBytes, cpuShare })) return
    collect()
    floorBytes = getHeapStatistics().used_heap_size
    before = process.cpuUsage()
  }, LOOK_EVERY_MS).unref()
}
