/**
 * API Priority and Fairness: every request is told by its flow schema, gets seats of its priority level, or waits its turn for them.
 *
 * Puts the parts of this folder together: what the objects say (`follow-configuration.ts` hands it over), who a request is to it
 * (`classifier.ts`, `flow.ts`), and whether there is room (`seat-pool.ts`).
 */
import type { ServerResponse } from 'node:http'
import { parseDuration } from '../../api/duration.ts'
import type { PriorityLevelConfiguration, FlowSchema } from '../../api/generated/types.ts'
import { tooManyRequests, type ApiError } from '../../api/status.ts'
import type { Metrics } from '../../component/metrics.ts'
import type { UserInfo } from '../auth/user.ts'
import type { RequestInfo } from '../requests/request-info.ts'
import { createClassifier, type Classify } from './classifier.ts'
import { digestConfiguration, type Configuration } from './digest-configuration.ts'
import { dump } from './dump.ts'
import { ActiveSchema, type ActiveFlow } from './flow.ts'
import { createFlowMetrics, type FlowCounts, type FlowMetrics } from './flow-metrics.ts'
import { widthOf } from './request-width.ts'
import { RetryAfter } from './retry-after.ts'
import { SeatPool, type Level, type Refusal, type Ticket } from './seat-pool.ts'

/** Only the first call counts. */
export type Leave = () => void

export interface FlowControlOptions {
  totalSeats: number
  /** How long a request may take: it waits a quarter of that at most. */
  requestTimeoutMs: number
  /** How many objects a list would go through. */
  stored: (info: RequestInfo) => number
  metrics: Metrics
  /** A level that had gone has done its last request: what it had is for the others. */
  onDrained: () => void
  /** Milliseconds that only go forward. */
  clock?: () => number
}

/** A request as this file knows it; `arrivedAt` in milliseconds of the clock. */
interface Admission extends Ticket {
  readonly flow: ActiveFlow
  readonly counts: FlowCounts
  readonly arrivedAt: number
  readonly isWatch: boolean
}

export class FlowControl {
  private readonly options: FlowControlOptions
  private readonly clock: () => number
  private readonly pool: SeatPool
  private readonly metrics: FlowMetrics
  private readonly retryAfter = new WeakMap<Level, RetryAfter>()
  private schemas = new Map<string, ActiveSchema>()
  private sources: readonly PriorityLevelConfiguration[] = []
  private schemaOf!: Classify<ActiveSchema>

  /** Until it is told what there is, it has the mandatory objects. */
  constructor(options: FlowControlOptions) {
    this.options = options
    this.clock = options.clock ?? (() => performance.now())
    this.pool = new SeatPool(this.clock)
    this.metrics = createFlowMetrics(options.metrics, () => this.pool.levels)
    this.configure([], [])
  }

  configure(levels: readonly PriorityLevelConfiguration[], schemas: readonly FlowSchema[]): Configuration {
    const { pool } = this
    const busy = this.sources.filter(({ metadata }) => !pool.isIdle(pool.level(metadata.name)!))
    const configuration = digestConfiguration(levels, schemas, busy, this.options.totalSeats)
    this.sources = configuration.levels.map(({ source }) => source)
    pool.configure(configuration.levels.map(({ source: _, ...setup }) => setup))
    const before = this.schemas
    this.schemas = new Map()
    const targets = configuration.schemas.map((schema) => {
      const { name } = schema.metadata
      const target = before.get(name) ?? new ActiveSchema(name)
      const level = pool.level(schema.spec.priorityLevelConfiguration.name)!
      target.configure(schema, level, this.metrics.countsOf(level.name, name))
      this.schemas.set(name, target)
      return { schema, target }
    })
    this.schemaOf = createClassifier(targets, this.schemas.get('catch-all')!)
    return configuration
  }

  /** What the request is counted as. Costs a tenth of a microsecond. */
  classify(info: RequestInfo, user: UserInfo): ActiveFlow {
    return this.schemaOf(info, user).flowOf(info, user)
  }

  /** Takes the request's seats, at once where there are some; the answer gives them back. Fails with 429 when it has waited enough. */
  enter(flow: ActiveFlow, info: RequestInfo, response: ServerResponse): Leave | Promise<Leave> {
    const { level, counts } = flow.schema
    const now = this.clock()
    const admission: Admission = {
      level,
      flow,
      counts,
      seats: widthOf(info, level, this.options.stored),
      isWatch: info.verb === 'watch',
      arrivedAt: now,
      startedAt: now,
      isRunning: false,
      queue: undefined,
      onStart: undefined,
    }
    const answer = this.pool.enter(admission)
    if (answer === 'started') return this.started(admission)
    if (answer === 'waits') return this.wait(admission, patienceFor(info, this.options.requestTimeoutMs), response)
    throw this.refuse(admission, answer)
  }

  /** A page of `/debug/api_priority_and_fairness/`; undefined: there is none of that name. */
  dump(page: string): string | undefined {
    const now = this.clock()
    return dump(page, this.pool, now, (ticket) => {
      const { flow, arrivedAt } = ticket as Admission
      const arrived = new Date(Date.now() - (now - arrivedAt)).toISOString()
      return { schema: flow.schema.name, distinguisher: flow.distinguisher, arrivedAt: arrived }
    })
  }

  private started(admission: Admission): Leave {
    const { counts, seats, isWatch, level } = admission
    counts.dispatched.inc()
    if (!level.exempt) counts.waited((admission.startedAt - admission.arrivedAt) / 1000, true)
    counts.executing++
    counts.executingSeats += seats
    return () => {
      if (!admission.isRunning) return
      this.pool.leave(admission)
      counts.executing--
      counts.executingSeats -= seats
      counts.executed((this.clock() - admission.startedAt) / 1000, isWatch)
      if (level.quiescing && this.pool.isIdle(level)) this.options.onDrained()
    }
  }

  private wait(admission: Admission, patienceMs: number, response: ServerResponse): Promise<Leave> {
    const { counts, seats, queue } = admission
    counts.waiting++
    counts.waitingSeats += seats
    counts.queueLength.observe(queue!.waiting.size)
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        response.off('close', cancelled)
        counts.waiting--
        counts.waitingSeats -= seats
      }
      const giveUp = (why: 'timedOut' | 'cancelled') => {
        end()
        this.pool.giveUp(admission, why)
        reject(this.refuse(admission, 'time-out'))
      }
      const cancelled = () => giveUp('cancelled')
      const timer = setTimeout(() => giveUp('timedOut'), patienceMs)
      response.once('close', cancelled)
      admission.onStart = () => {
        end()
        resolve(this.started(admission))
      }
    })
  }

  private refuse({ level, counts, arrivedAt }: Admission, why: Refusal): ApiError {
    const now = this.clock()
    counts.refused(why)
    counts.waited((now - arrivedAt) / 1000, false)
    let patience = this.retryAfter.get(level)
    if (!patience) this.retryAfter.set(level, (patience = new RetryAfter()))
    return tooManyRequests('Too many requests, please try again later.', patience.refuse(Math.floor(now / 1000)))
  }
}

/** A quarter of what the client gives the request, or of what the server does: as upstream, the rest is for doing it. */
function patienceFor({ query, verb }: RequestInfo, requestTimeoutMs: number): number {
  const asked = verb === 'watch' ? null : query.get('timeout')
  return Math.min(requestTimeoutMs, (asked && durationOf(asked)) || requestTimeoutMs) / 4
}

function durationOf(text: string): number {
  try {
    return Math.max(0, parseDuration(text))
  } catch {
    return 0
  }
}
