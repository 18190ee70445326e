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
import { createFlowMetrics, type FlowCounts } from './flow-metrics.ts'
import { widthOf } from './request-width.ts'
import { RetryAfter } from './retry-after.ts'
import { SeatPool, type Level, type Refusal, type Ticket } from './seat-pool.ts'

export interface FlowControl {
  /** What the request is counted as. Costs a tenth of a microsecond. */
  classify(info: RequestInfo, user: UserInfo): ActiveFlow
  /** Takes the request's seats, at once where there are some; the answer gives them back. Rejects with 429 when it has waited enough. */
  enter(flow: ActiveFlow, info: RequestInfo, response: ServerResponse): Leave | Promise<Leave>
  configure(levels: readonly PriorityLevelConfiguration[], schemas: readonly FlowSchema[]): Configuration
  /** A page of `/debug/api_priority_and_fairness/`. */
  dump(page: string): string | undefined
}

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

export function createFlowControl(options: FlowControlOptions): FlowControl {
  const { totalSeats, requestTimeoutMs, stored, metrics, onDrained, clock = () => performance.now() } = options
  const pool = new SeatPool(clock)
  const { countsOf } = createFlowMetrics(metrics, () => pool.levels)
  const retryAfter = new WeakMap<Level, RetryAfter>()
  let schemas = new Map<string, ActiveSchema>()
  let sources: readonly PriorityLevelConfiguration[] = []
  let classify!: Classify<ActiveSchema>

  const configure: FlowControl['configure'] = (levelObjects, schemaObjects) => {
    const busy = sources.filter(({ metadata }) => !pool.isIdle(pool.level(metadata.name)!))
    const configuration = digestConfiguration(levelObjects, schemaObjects, busy, totalSeats)
    sources = configuration.levels.map(({ source }) => source)
    pool.configure(configuration.levels.map(({ source: _, ...setup }) => setup))
    const before = schemas
    schemas = new Map()
    const targets = configuration.schemas.map((schema) => {
      const { name } = schema.metadata
      const target = before.get(name) ?? new ActiveSchema(name)
      const level = pool.level(schema.spec.priorityLevelConfiguration.name)!
      target.configure(schema, level, countsOf(level.name, name))
      schemas.set(name, target)
      return { schema, target }
    })
    classify = createClassifier(targets, schemas.get('catch-all')!)
    return configuration
  }

  const refuse = ({ level, counts, arrivedAt }: Admission, why: Refusal): ApiError => {
    counts.refused(why)
    counts.waited((clock() - arrivedAt) / 1000, false)
    let patience = retryAfter.get(level)
    if (!patience) retryAfter.set(level, (patience = new RetryAfter()))
    return tooManyRequests('Too many requests, please try again later.', patience.refuse(Math.floor(clock() / 1000)))
  }

  const started = (admission: Admission): Leave => {
    const { counts, seats, isWatch, level } = admission
    counts.dispatched.inc()
    if (!level.exempt) counts.waited((admission.startedAt - admission.arrivedAt) / 1000, true)
    counts.executing++
    counts.executingSeats += seats
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      pool.leave(admission)
      counts.executing--
      counts.executingSeats -= seats
      counts.executed((clock() - admission.startedAt) / 1000, isWatch)
      if (level.quiescing && pool.isIdle(level)) onDrained()
    }
  }

  const wait = (admission: Admission, patienceMs: number, response: ServerResponse): Promise<Leave> =>
    new Promise((resolve, reject) => {
      const { counts, seats, queue } = admission
      counts.waiting++
      counts.waitingSeats += seats
      counts.queueLength.observe(queue!.waiting.size)
      const end = () => {
        clearTimeout(timer)
        response.off('close', cancelled)
        counts.waiting--
        counts.waitingSeats -= seats
      }
      const giveUp = (why: 'timedOut' | 'cancelled') => {
        end()
        pool.giveUp(admission, why)
        reject(refuse(admission, 'time-out'))
      }
      const cancelled = () => giveUp('cancelled')
      const timer = setTimeout(() => giveUp('timedOut'), patienceMs)
      response.once('close', cancelled)
      admission.onStart = () => {
        end()
        resolve(started(admission))
      }
    })

  configure([], [])
  return {
    configure,
    classify: (info, user) => classify(info, user).flowOf(info, user),
    enter(flow, info, response) {
      const { level, counts } = flow.schema
      const isWatch = info.verb === 'watch'
      const seats = widthOf(info, level, stored)
      const now = clock()
      const admission: Admission = {
        level,
        flow,
        counts,
        seats,
        isWatch,
        arrivedAt: now,
        startedAt: now,
        isRunning: false,
        queue: undefined,
        onStart: undefined,
      }
      const answer = pool.enter(admission)
      if (answer === 'started') return started(admission)
      if (answer === 'waits') return wait(admission, patienceFor(info, requestTimeoutMs), response)
      throw refuse(admission, answer)
    },
    dump: (page) =>
      dump(page, pool, clock(), (ticket) => {
        const { flow, arrivedAt } = ticket as Admission
        const arrived = new Date(Date.now() - (clock() - arrivedAt)).toISOString()
        return { schema: flow.schema.name, distinguisher: flow.distinguisher, arrivedAt: arrived }
      }),
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
