/** `/debug/api_priority_and_fairness/…`: what waits and runs in each level, in upstream's tables. */
import { accountOf, GUESS_MS, type Queued } from './fair-queues.ts'
import type { Level, SeatPool, Ticket } from './seat-pool.ts'

export const DUMPS = '/debug/api_priority_and_fairness/'

/** What a table says of a request that waits. */
export interface Described {
  schema: string
  distinguisher: string
  arrivedAt: string
}

type Describe = (ticket: Ticket) => Described

/** Undefined: there is no such page. */
export function dump(page: string, pool: SeatPool, now: number, describe: Describe): string | undefined {
  const levels = [...pool.levels].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  if (page === 'dump_priority_levels') return table(LEVEL_HEAD, levels.map(levelRow(pool)))
  if (page === 'dump_queues') return table(QUEUE_HEAD, levels.flatMap(queueRows(now)))
  if (page === 'dump_requests') return table(REQUEST_HEAD, levels.flatMap(requestRows(describe)))
  return undefined
}

const LEVEL_HEAD = [
  'PriorityLevelName',
  'ActiveQueues',
  'IsIdle',
  'IsQuiescing',
  'WaitingRequests',
  'ExecutingRequests',
  'DispatchedRequests',
  'RejectedRequests',
  'TimedoutRequests',
  'CancelledRequests',
]

const levelRow =
  (pool: SeatPool) =>
  (level: Level): unknown[] => [
    level.name,
    [...level.queues.inUse()].filter(([, { waiting }]) => waiting.size > 0).length,
    pool.isIdle(level),
    level.quiescing,
    level.queues.waiting,
    level.executing,
    level.dispatched,
    level.rejected,
    level.timedOut,
    level.cancelled,
  ]

const QUEUE_HEAD = [
  'PriorityLevelName',
  'Index',
  'PendingRequests',
  'ExecutingRequests',
  'SeatsInUse',
  'NextDispatchR',
  'InitialSeatsSum',
  'MaxSeatsSum',
  'TotalWorkSum',
]

const seconds = (ms: number) => `${(ms / 1000).toFixed(8)}ss`

/** Only the queues that are in use: the others are made when they are. */
const queueRows =
  (now: number) =>
  ({ name, queues }: Level): unknown[][] =>
    [...queues.inUse()].map(([index, queue]) => [
      name,
      index,
      queue.waiting.size,
      queue.executing,
      queue.executingSeats,
      seconds(accountOf(queue, now)),
      queue.waitingSeats,
      queue.waitingSeats,
      seconds(queue.waitingSeats * GUESS_MS),
    ])

const REQUEST_HEAD = [
  'PriorityLevelName',
  'FlowSchemaName',
  'QueueIndex',
  'RequestIndexInQueue',
  'FlowDistingsher',
  'ArriveTime',
  'InitialSeats',
  'FinalSeats',
  'AdditionalLatency',
]

/** Those that wait. The ones at work are counted, not listed. */
const requestRows =
  (describe: Describe) =>
  ({ name, queues }: Level): unknown[][] =>
    [...queues.inUse()].flatMap(([index, { waiting }]) =>
      [...waiting].map((ticket: Queued, place) => {
        const { schema, distinguisher, arrivedAt } = describe(ticket as Ticket)
        return [name, schema, index, place, distinguisher, arrivedAt, ticket.seats, 0, '0s']
      }),
    )

/** As upstream lays it out: values with a comma behind them, columns in line. */
function table(head: readonly string[], rows: readonly unknown[][]): string {
  const cells = [head, ...rows].map((row) => row.map((value, at) => `${String(value)}${at < head.length - 1 ? ',' : ''}`))
  const widths = head.map((_, at) => Math.max(8, ...cells.map((row) => row[at]!.length + 1)))
  return cells
    .map((row) => `${row.map((cell, at) => (at < head.length - 1 ? cell.padEnd(widths[at]!) : cell)).join('')}\n`)
    .join('')
}
