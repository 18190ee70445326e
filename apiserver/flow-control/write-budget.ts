/** How often one object may be written: two servers that disagree about it must not keep etcd busy with that. */

const WRITES = 6
const PERIOD_MS = 60_000

export class WriteBudget {
  private readonly now: () => number
  /** Writes of the last period, the oldest first. */
  private recent: { name: string; at: number }[] = []

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now
  }

  /** 0 when it may be written now, which counts; else in how many milliseconds. As upstream: six times a minute. */
  take(name: string): number {
    const now = this.now()
    this.recent = this.recent.filter(({ at }) => now - at < PERIOD_MS)
    const own = this.recent.filter((write) => write.name === name)
    if (own.length >= WRITES) return own[0]!.at + PERIOD_MS - now
    this.recent.push({ name, at: now })
    return 0
  }
}
