/** How long a refused client is asked to stay away: longer while refusals go on, shorter when they cease, as upstream has it. */

const MAX_SECONDS = 32

export class RetryAfter {
  private seconds = 1
  private raisedAt = -MAX_SECONDS
  /** Refusals by second, the oldest first. */
  private history: { second: number; refused: number }[] = []

  /** One more is refused in this second: the answer for it. */
  refuse(second: number): number {
    const last = this.history.at(-1)
    if (last?.second === second) {
      last.refused++
      return this.seconds
    }
    this.adjust(second)
    this.history.push({ second, refused: 1 })
    return this.seconds
  }

  /** Judged by the refusals of the last `seconds`: three a second double it, less than one a second takes one off. */
  private adjust(second: number): void {
    this.history = this.history.filter((one) => second - one.second <= MAX_SECONDS)
    let refused = 0
    for (const one of this.history) if (second - one.second <= this.seconds) refused += one.refused
    if (refused >= 3 * this.seconds && second - this.raisedAt >= this.seconds) {
      this.seconds = Math.min(2 * this.seconds, MAX_SECONDS)
      this.raisedAt = second
    } else if (refused < this.seconds && this.seconds > 1) this.seconds--
  }
}
