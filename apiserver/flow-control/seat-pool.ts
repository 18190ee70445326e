/**
 * The seats of this server, divided among priority levels: who may start now, who waits, and who is next when a seat comes free.
 *
 * What a level lends is lent the moment it is asked for, and comes back as the borrower's requests end: a level has its unlent seats at
 * any time, and more of the whole while it does not eat into the unlent seats of others. Upstream moves its limits every ten seconds
 * by what each level has wanted before (ADR 15). Pure but for the clock that it is given.
 */
import { FairQueues, type Queue, type Queued } from './fair-queues.ts'
import type { SeatLimits } from './seat-limits.ts'

export interface Queuing {
  queues: number
  handSize: number
  queueLengthLimit: number
}

export interface LevelSetup extends SeatLimits {
  name: string
  uid: string
  exempt: boolean
  /** Absent: what finds no seat is refused. */
  queuing: Queuing | undefined
}

export interface Level extends LevelSetup {
  /** It has gone from the configuration and ends with its last request. */
  quiescing: boolean
  seatsInUse: number
  executing: number
  queues: FairQueues<Ticket>
  dispatched: number
  rejected: number
  timedOut: number
  cancelled: number
}

/** Requests that are one to a level: those of one user, or of one namespace. */
export interface Flow {
  /** Whether it is told apart from others of its schema: one that is must leave others room. */
  apart: boolean
  seatsInUse: number
  /** The queues of `level` that it may use. */
  handOf(queuing: Queuing): readonly number[]
}

export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out'

/** A request with a seat, or on its way to one. */
export interface Ticket extends Queued {
  readonly level: Level
  readonly flow: Flow
  isRunning: boolean
  /** Called when a request that waited gets its seats. */
  onStart: (() => void) | undefined
}

/** A flow gets at most so much of a level that others could use, too; the rest is theirs. Below four seats there is nothing to divide. */
const MOST_OF_ONE_FLOW = 3 / 4
const DIVISIBLE = 4

export class SeatPool {
  private readonly now: () => number
  private levelsByName = new Map<string, Level>()
  private total = 0
  /** Of every level what it uses or nobody may borrow, whichever is more. */
  private claimed = 0
  private waiting = 0

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now
  }

  get levels(): Iterable<Level> {
    return this.levelsByName.values()
  }

  level(name: string): Level | undefined {
    return this.levelsByName.get(name)
  }

  /** A level that is no longer there must be among `setups` until it is idle. */
  configure(setups: readonly (LevelSetup & { quiescing?: boolean })[]): void {
    const before = this.levelsByName
    this.levelsByName = new Map(
      setups.map((setup) => {
        const level = before.get(setup.name) ?? createLevel(setup)
        Object.assign(level, { quiescing: false }, setup)
        return [setup.name, level]
      }),
    )
    this.total = 0
    this.claimed = 0
    for (const level of this.levels) {
      this.total += level.nominal
      this.claimed += claimOf(level)
    }
    this.dispatch()
  }

  /** Starts it at once, or lets it wait until `onStart` is called, or says why it can do neither. */
  enter(ticket: Ticket): 'started' | 'waits' | Refusal {
    const { level, flow } = ticket
    const queue = level.queuing && level.queues.choose(flow.handOf(level.queuing))
    if (level.queues.waiting === 0 && this.may(ticket)) {
      if (queue) level.queues.startAtOnce(ticket, queue, this.now())
      this.take(ticket)
      return 'started'
    }
    if (queue) return this.wait(ticket, queue, level.queuing!.queueLengthLimit)
    level.rejected++
    return 'concurrency-limit'
  }

  /** It has ended: its seats are for the next. */
  leave(ticket: Ticket): void {
    const { level, flow, seats } = ticket
    ticket.isRunning = false
    this.use(level, -seats)
    flow.seatsInUse -= seats
    level.executing--
    if (ticket.queue) level.queues.finish(ticket, this.now())
    this.dispatch()
  }

  /** One that waits does so no longer: its time is up, or its client has gone. */
  giveUp(ticket: Ticket, why: 'timedOut' | 'cancelled'): void {
    const { level } = ticket
    level.queues.remove(ticket)
    level[why]++
    level.rejected++
    this.waiting--
    // It may have been one that was too wide, with others behind it that are not.
    this.dispatch()
  }

  isIdle = ({ executing, queues }: Level): boolean => executing === 0 && queues.waiting === 0

  private wait(ticket: Ticket, queue: Queue, limit: number): 'started' | 'waits' | Refusal {
    const { level } = ticket
    if (queue.waiting.size >= limit) {
      level.rejected++
      return 'queue-full'
    }
    level.queues.add(ticket, queue, this.now())
    this.waiting++
    // Those who wait may be kept from seats that this one can have.
    this.dispatch()
    return ticket.isRunning ? 'started' : 'waits'
  }

  /** As many as there are seats for: first in levels that use the least of their own. */
  private dispatch(): void {
    if (this.waiting === 0) return
    const now = this.now()
    while (this.waiting > 0) {
      let next: Ticket | undefined
      let least = Infinity
      for (const level of this.levels) {
        if (level.queues.waiting === 0) continue
        const used = level.seatsInUse / Math.max(level.nominal, Number.MIN_VALUE)
        if (used >= least && next) continue
        const head = level.queues.next(now, this.leavesRoom)
        if (!head || !this.fits(head)) continue
        next = head
        least = used
      }
      if (!next) return
      this.waiting--
      next.level.queues.startWaiting(next, now)
      this.take(next)
      next.onStart?.()
    }
  }

  private take(ticket: Ticket): void {
    const { level, flow, seats } = ticket
    this.use(level, seats)
    flow.seatsInUse += seats
    level.executing++
    level.dispatched++
    if (!ticket.queue) ticket.startedAt = this.now()
    ticket.isRunning = true
  }

  private use(level: Level, seats: number): void {
    this.claimed -= claimOf(level)
    level.seatsInUse += seats
    this.claimed += claimOf(level)
  }

  private may(ticket: Ticket): boolean {
    return this.fits(ticket) && this.leavesRoom(ticket)
  }

  /** A request that is wider than its level runs when it is alone there, so that it runs at all. */
  private fits({ level, seats }: Ticket): boolean {
    if (level.exempt) return true
    const { seatsInUse, max } = level
    if (seatsInUse === 0) return max > 0
    return seatsInUse + seats <= this.attainable(level)
  }

  private leavesRoom = ({ level, flow, seats }: Ticket): boolean => {
    if (!flow.apart || flow.seatsInUse === 0 || level.exempt) return true
    const most = this.attainable(level)
    return most < DIVISIBLE || flow.seatsInUse + seats <= Math.ceil(most * MOST_OF_ONE_FLOW)
  }

  /** How many seats the level could have now. */
  private attainable(level: Level): number {
    const spare = Math.max(0, this.total - this.claimed)
    return Math.min(level.max, claimOf(level) + spare)
  }
}

const claimOf = ({ seatsInUse, min }: Level): number => Math.max(seatsInUse, min)

const createLevel = (setup: LevelSetup): Level => ({
  ...setup,
  quiescing: false,
  seatsInUse: 0,
  executing: 0,
  queues: new FairQueues(),
  dispatched: 0,
  rejected: 0,
  timedOut: 0,
  cancelled: 0,
})
