/** How often one object may be written: two servers that disagree about it must not keep etcd busy with that. */

const WRITES = 6
const PERIOD_MS = 60_000

export class WriteBudget {
  private readonly now: () => number
  private readonly written = new Map<string, number[]>()

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now
  }

  /** 0 when it may be written now, which counts; else in how many milliseconds. As upstream: six times a minute. */
  take(name: string): number {
    const now = this.now()
    const recent = (this.written.get(name) ?? []).filter((at) => now - at < PERIOD_MS)
    this.written.set(name, recent)
    if (recent.length >= WRITES) return recent[0]! + PERIOD_MS - now
    recent.push(now)
    return 0
  }
}
