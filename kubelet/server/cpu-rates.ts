/** Processor time a second of whatever has a name, between one look and the one before it. */

export interface CpuUsage {
  time: string
  usageNanoCores: number
  usageCoreNanoSeconds: number
}

export interface CpuRates {
  /** `timestamp` in nanoseconds. The first look knows no rate: it says 0. */
  of(id: string, usageCoreNanoSeconds: number, timestamp: number): CpuUsage
  forgetAllBut(ids: ReadonlySet<string>): void
}

interface Sample {
  timestamp: number
  usage: number
}

export function createCpuRates(): CpuRates {
  const last = new Map<string, Sample>()

  function rate(id: string, timestamp: number, usage: number): number {
    const before = last.get(id)
    last.set(id, { timestamp, usage })
    if (!before || timestamp <= before.timestamp) return 0
    return Math.round(((usage - before.usage) * 1e9) / (timestamp - before.timestamp))
  }

  return {
    of: (id, usageCoreNanoSeconds, timestamp) => ({
      time: new Date(timestamp / 1e6).toISOString(),
      usageNanoCores: rate(id, timestamp, usageCoreNanoSeconds),
      usageCoreNanoSeconds,
    }),
    forgetAllBut(ids) {
      for (const id of last.keys()) if (!ids.has(id)) last.delete(id)
    },
  }
}
