/** Since when which thresholds are met, and the pressures that the node is under: until it has been well for a while. */
import type { Clock } from '../../component/clock.ts'
import { byUrgency, meets, type NodePressure, type Observations, pressureOf, type Threshold } from './thresholds.ts'

export interface PressureTracker {
  /** Takes in what was seen; answers the thresholds that are due, the most urgent first. */
  update(seen: Observations): Threshold[]
  current(): ReadonlySet<NodePressure>
}

export interface PressureTrackerOptions {
  clock: Clock
  thresholds: readonly Threshold[]
  /** How long a node must have been well before it says so. */
  transitionMs: number
  changed(): void
}

export function createPressureTracker({ clock, thresholds, transitionMs, changed }: PressureTrackerOptions): PressureTracker {
  const lastMet = new Map<NodePressure, number>()
  let since = new Map<Threshold, number>()
  let pressures: ReadonlySet<NodePressure> = new Set()

  function updatePressures(nowMs: number): void {
    for (const { signal } of since.keys()) lastMet.set(pressureOf(signal), nowMs)
    for (const [pressure, atMs] of lastMet) if (Math.abs(nowMs - atMs) >= transitionMs && atMs !== nowMs) lastMet.delete(pressure)
    const before = [...pressures].join()
    pressures = new Set(lastMet.keys())
    if ([...pressures].join() !== before) changed()
  }

  return {
    update(seen) {
      const nowMs = clock.now().getTime()
      const tracked = trackThresholds(thresholds, seen, since, nowMs)
      since = tracked.since
      updatePressures(nowMs)
      return tracked.due
    },
    current: () => pressures,
  }
}

/** Pure: which thresholds are met, and since when each of them is. */
export function trackThresholds(
  thresholds: readonly Threshold[],
  seen: Observations,
  since: ReadonlyMap<Threshold, number>,
  nowMs: number,
): { since: Map<Threshold, number>; due: Threshold[] } {
  const met = thresholds.filter((threshold) => meets(threshold, seen, since.has(threshold)))
  const now = new Map(met.map((threshold) => [threshold, since.get(threshold) ?? nowMs]))
  const due = met.filter((threshold) => nowMs - now.get(threshold)! >= threshold.graceMs).toSorted(byUrgency)
  return { since: now, due }
}
