/**
 * The queues of one priority level, and whose turn it is: that of the queue which has had the least of the seats, by time.
 *
 * A queue's account is the seat-time that it has used since anything began to wait, with that of its requests which still run. Who
 * joins late begins at the account of the one whose turn it is: the past is owed to nobody. While nothing waits nobody goes short,
 * and accounts are void. Pure: the time comes with each call, in milliseconds.
 */

/** Put on the account when a request starts, until it has really run: else many would start from one queue in the same moment. */
export const GUESS_MS = 3

export interface Queued {
  readonly seats: number
  /** Set while it waits or runs; a level without queues sets none. */
  queue: Queue | undefined
  startedAt: number
}

export interface Queue {
  /** Oldest first. */
  waiting: Set<Queued>
  waitingSeats: number
  executing: number
  executingSeats: number
  /** Of those that run, each start times its seats: what they have used by now follows from it. */
  starts: number
  /** Seat-milliseconds of those that have run, as of `epoch`. */
  used: number
  epoch: number
}

export class FairQueues<T extends Queued> {
  waiting = 0
  waitingSeats = 0
  private choices = 0
  /** Counts the times that something began to wait. */
  private epoch = 0
  /** The least account of any queue with something waiting: never falls within an epoch. */
  private least = 0
  /** Made when they are first used: a level may have millions. */
  private readonly queues = new Map<number, Queue>()
  private readonly nonEmpty = new Set<Queue>()

  /** Of the hand the queue with the least waiting; equal ones in turn. */
  choose(hand: readonly number[]): Queue {
    const offset = this.choices++ % hand.length
    let best: Queue | undefined
    for (let i = 0; i < hand.length; i++) {
      const queue = this.queueAt(hand[(offset + i) % hand.length]!)
      if (!best || queue.waitingSeats < best.waitingSeats) best = queue
      if (best.waitingSeats === 0) break
    }
    return best!
  }

  add(item: T, queue: Queue, now: number): void {
    if (this.waiting === 0) this.beginEpoch()
    if (queue.waiting.size === 0) this.join(queue, now)
    item.queue = queue
    queue.waiting.add(item)
    queue.waitingSeats += item.seats
    this.waiting++
    this.waitingSeats += item.seats
  }

  /** It waits no longer, whatever comes of it. */
  remove(item: T): void {
    const queue = item.queue!
    if (!queue.waiting.delete(item)) return
    queue.waitingSeats -= item.seats
    if (queue.waiting.size === 0) this.nonEmpty.delete(queue)
    this.waiting--
    this.waitingSeats -= item.seats
  }

  /** Whose turn it is, among the oldest of each queue; who may not be served now lets the next one go first. */
  next(now: number, may: (item: T) => boolean): T | undefined {
    let first: T | undefined
    let earliest = Infinity
    for (const queue of this.nonEmpty) {
      const head = queue.waiting.values().next().value as T
      // A wide request waits as if it had run already, as the narrow ones would have that it stands for.
      const end = accountOf(queue, now) + head.seats * GUESS_MS
      if (end >= earliest || !may(head)) continue
      first = head
      earliest = end
    }
    return first
  }

  /** It runs without having waited. */
  startAtOnce(item: T, queue: Queue, now: number): void {
    item.queue = queue
    this.begin(item, queue, now)
  }

  /** It has waited, and runs from now on. */
  startWaiting(item: T, now: number): void {
    this.remove(item)
    this.begin(item, item.queue!, now)
  }

  finish(item: T, now: number): void {
    const queue = item.queue!
    queue.executing--
    queue.executingSeats -= item.seats
    queue.starts -= item.startedAt * item.seats
    queue.used += (now - item.startedAt - GUESS_MS) * item.seats
    // Of sums of fractions something small would stay.
    if (queue.executing === 0) queue.starts = 0
  }

  /** Those in use, for who looks in from outside. */
  *inUse(): Generator<[index: number, queue: Queue]> {
    for (const entry of this.queues) if (entry[1].waiting.size > 0 || entry[1].executing > 0) yield entry
  }

  private begin(item: T, queue: Queue, now: number): void {
    item.startedAt = now
    queue.executing++
    queue.executingSeats += item.seats
    queue.starts += now * item.seats
    queue.used += item.seats * GUESS_MS
  }

  private beginEpoch(): void {
    this.epoch++
    this.least = 0
  }

  private join(queue: Queue, now: number): void {
    if (queue.epoch !== this.epoch) {
      queue.epoch = this.epoch
      queue.used = 0
    }
    let least = Infinity
    for (const other of this.nonEmpty) least = Math.min(least, accountOf(other, now))
    if (least !== Infinity) this.least = Math.max(this.least, least)
    // What it could have used and did not is not saved up.
    queue.used += Math.max(0, this.least - accountOf(queue, now))
    this.nonEmpty.add(queue)
  }

  private queueAt(index: number): Queue {
    let queue = this.queues.get(index)
    if (!queue) {
      queue = { waiting: new Set(), waitingSeats: 0, executing: 0, executingSeats: 0, starts: 0, used: 0, epoch: 0 }
      this.queues.set(index, queue)
    }
    return queue
  }
}

export const accountOf = ({ used, executingSeats, starts }: Queue, now: number): number => used + executingSeats * now - starts
