/** Exponential backoff as a pure function of the attempt. */

export interface Backoff {
  initialMs: number
  maxMs: number
  factor?: number | undefined
  /** 0.2 spreads each wait over 100 % to 120 %, so that many clients do not come back at the same moment. */
  jitter?: number | undefined
}

/** The wait before attempt `failures + 1`: `failures` 1 waits `initialMs`. */
export function computeBackoff(
  { initialMs, maxMs, factor = 2, jitter = 0 }: Backoff,
  failures: number,
  random: number = 0,
): number {
  if (failures <= 0) return 0
  const base = Math.min(maxMs, initialMs * factor ** (failures - 1))
  return base * (1 + jitter * random)
}
