/** What flow control counts, under upstream's names: by priority level, and by the schema that requests came through. */
import {
  createCounterSeries,
  createGaugeReading,
  createHistogramSeries,
  type CounterSeries,
  type HistogramSeries,
} from '../../component/metric-series.ts'
import type { Metrics } from '../../component/metrics.ts'
import type { Level, Refusal } from './seat-pool.ts'

/** Of the requests that one schema sent to one level. */
export interface FlowCounts {
  waiting: number
  waitingSeats: number
  executing: number
  executingSeats: number
  dispatched: CounterSeries
  refused: (reason: Refusal) => void
  /** Seconds until it ran, or was refused. */
  waited: (seconds: number, executed: boolean) => void
  executed: (seconds: number, isWatch: boolean) => void
  queueLength: HistogramSeries
}

export interface FlowMetrics {
  /** The same one whenever it is asked for again. */
  countsOf(level: string, schema: string): FlowCounts
}

const SECONDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]
const LENGTHS = [0, 10, 25, 50, 100, 250, 500, 1000]

export function createFlowMetrics({ registry }: Metrics, levels: () => Iterable<Level>): FlowMetrics {
  const all = new Map<string, FlowCounts & { labels: { priority_level: string; flow_schema: string } }>()
  const name = (rest: string) => `apiserver_flowcontrol_${rest}`
  const gauge = (rest: string, help: string, read: (counts: FlowCounts) => number) =>
    createGaugeReading(registry, name(rest), help, () =>
      [...all.values()].map((counts) => ({ labels: counts.labels, value: read(counts) })),
    )
  const levelGauge = (rest: string, help: string, read: (level: Level) => number) =>
    createGaugeReading(registry, name(rest), help, () =>
      [...levels()].map((level) => ({ labels: { priority_level: level.name }, value: read(level) })),
    )
  gauge('current_inqueue_requests', 'Number of requests that wait in queues.', ({ waiting }) => waiting)
  gauge('current_inqueue_seats', 'Number of seats that requests in queues wait for.', ({ waitingSeats }) => waitingSeats)
  gauge('current_executing_requests', 'Number of requests at work: watches only while they begin.', ({ executing }) => executing)
  gauge('current_executing_seats', 'Number of seats that requests at work take.', ({ executingSeats }) => executingSeats)
  levelGauge('nominal_limit_seats', 'Number of seats that a level has by its shares.', ({ nominal }) => nominal)
  levelGauge('lower_limit_seats', 'Number of seats of a level that it does not lend.', ({ min }) => min)
  levelGauge('upper_limit_seats', 'Number of seats that a level may have with what it borrows.', ({ max }) => max)

  const rejected = createCounterSeries(
    registry,
    name('rejected_requests_total'),
    'Number of requests that were refused, and why.',
  )
  const dispatched = createCounterSeries(registry, name('dispatched_requests_total'), 'Number of requests that got a seat.')
  const wait = createHistogramSeries(
    registry,
    name('request_wait_duration_seconds'),
    'How long requests waited in a queue.',
    SECONDS,
  )
  const execution = createHistogramSeries(registry, name('request_execution_seconds'), 'How long requests were at work.', SECONDS)
  const lengths = createHistogramSeries(
    registry,
    name('request_queue_length_after_enqueue'),
    'Length of the queue that a request joined, with it.',
    LENGTHS,
  )

  return {
    countsOf(level, schema) {
      const key = `${level} ${schema}`
      const known = all.get(key)
      if (known) return known
      const labels = { priority_level: level, flow_schema: schema }
      const ran = wait({ ...labels, execute: 'true' })
      const refused = wait({ ...labels, execute: 'false' })
      const regular = execution({ ...labels, type: 'regular' })
      const watch = execution({ ...labels, type: 'watch' })
      const counts = {
        labels,
        waiting: 0,
        waitingSeats: 0,
        executing: 0,
        executingSeats: 0,
        dispatched: dispatched(labels),
        refused: (reason: Refusal) => rejected({ ...labels, reason }).inc(),
        waited: (seconds: number, executed: boolean) => (executed ? ran : refused).observe(seconds),
        executed: (seconds: number, isWatch: boolean) => (isWatch ? watch : regular).observe(seconds),
        queueLength: lengths(labels),
      }
      all.set(key, counts)
      return counts
    },
  }
}
