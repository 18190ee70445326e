/**
 * Keys that wait to be worked on. A key waits at most once, and is never handed to two workers at the same time: added
 * while it is worked on, it waits until that is done. Failed keys come back with exponential backoff.
 */
import { computeBackoff } from '../component/backoff.ts'
import type { Cancel, Clock } from '../component/clock.ts'
import { exponentialBuckets, type Metrics } from '../component/metrics.ts'

export interface WorkQueue {
  add(key: string): void
  /** The earliest of several delays counts; `add` cuts it short. */
  addAfter(key: string, ms: number): void
  /** After 5 ms, doubling with each failure up to 1000 s. */
  addRateLimited(key: string): void
  /** The key succeeded: its next failure is its first. */
  forget(key: string): void
  failures(key: string): number
  /** The next key, in order of arrival; undefined after `shutDown`. Each must be given back with `done`. */
  take(): Promise<string | undefined>
  done(key: string): void
  /** Keys that wait now, those with a delay not counted. */
  length(): number
  /** Keys that wait for their time. */
  delayed(): number
  shutDown(): void
}

export interface WorkQueueOptions {
  name: string
  clock: Clock
  metrics?: Metrics | undefined
}

/** Upstream's per-item limits. */
const retry = { initialMs: 5, maxMs: 1_000_000 }

export function createWorkQueue({ name, clock, metrics }: WorkQueueOptions): WorkQueue {
  const waiting = new Set<string>()
  const working = new Set<string>()
  /** Added while they were worked on. */
  const again = new Set<string>()
  const delayed = new Map<string, { due: number; cancel: Cancel }>()
  const failures = new Map<string, number>()
  const takers: ((key: string | undefined) => void)[] = []
  const measure = createMeasures(name, clock, metrics)
  let down = false

  const hand = () => {
    while (takers.length > 0 && waiting.size > 0) {
      const [key] = waiting as Iterable<string> as [string]
      waiting.delete(key)
      working.add(key)
      measure.started(key, waiting.size)
      takers.shift()!(key)
    }
  }
  const add = (key: string) => {
    if (down) return
    delayed.get(key)?.cancel()
    delayed.delete(key)
    if (working.has(key)) {
      if (!again.has(key)) measure.added(key, waiting.size)
      again.add(key)
      return
    }
    if (waiting.has(key)) return
    waiting.add(key)
    measure.added(key, waiting.size)
    hand()
  }
  const addAfter = (key: string, ms: number) => {
    if (down) return
    if (ms <= 0) return add(key)
    const due = clock.now().getTime() + ms
    const known = delayed.get(key)
    if (known && known.due <= due) return
    known?.cancel()
    delayed.set(key, { due, cancel: clock.setTimeout(() => add(key), ms) })
  }

  return {
    add,
    addAfter,
    addRateLimited(key) {
      const count = (failures.get(key) ?? 0) + 1
      failures.set(key, count)
      measure.retried()
      addAfter(key, computeBackoff(retry, count))
    },
    forget: (key) => void failures.delete(key),
    failures: (key) => failures.get(key) ?? 0,
    take() {
      if (down) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        takers.push(resolve)
        hand()
      })
    },
    done(key) {
      working.delete(key)
      measure.finished(key)
      if (!again.delete(key) || down) return
      waiting.add(key)
      hand()
    },
    length: () => waiting.size,
    delayed: () => delayed.size,
    shutDown() {
      down = true
      for (const { cancel } of delayed.values()) cancel()
      delayed.clear()
      waiting.clear()
      for (const taker of takers.splice(0)) taker(undefined)
    },
  }
}

/** Upstream's `workqueue_*` metrics, one series a queue. */
function createMeasures(name: string, clock: Clock, metrics: Metrics | undefined) {
  if (!metrics) return { added() {}, started() {}, finished() {}, retried() {} }
  const seconds = exponentialBuckets(1e-8, 10, 10)
  const depth = metrics.gauge('workqueue_depth', 'Current depth of workqueue', ['name'])
  const adds = metrics.counter('workqueue_adds_total', 'Total number of adds handled by workqueue', ['name'])
  const wait = metrics.histogram(
    'workqueue_queue_duration_seconds',
    'How long an item stays in workqueue before being requested.',
    seconds,
    ['name'],
  )
  const work = metrics.histogram(
    'workqueue_work_duration_seconds',
    'How long processing an item from workqueue takes.',
    seconds,
    ['name'],
  )
  const retries = metrics.counter('workqueue_retries_total', 'Total number of retries handled by workqueue', ['name'])
  const addedAt = new Map<string, number>()
  const startedAt = new Map<string, number>()
  const now = () => clock.now().getTime()
  return {
    added(key: string, size: number) {
      adds.inc({ name })
      depth.set({ name }, size)
      if (!addedAt.has(key)) addedAt.set(key, now())
    },
    started(key: string, size: number) {
      depth.set({ name }, size)
      wait.observe({ name }, (now() - (addedAt.get(key) ?? now())) / 1000)
      addedAt.delete(key)
      startedAt.set(key, now())
    },
    finished(key: string) {
      work.observe({ name }, (now() - (startedAt.get(key) ?? now())) / 1000)
      startedAt.delete(key)
    },
    retried: () => retries.inc({ name }),
  }
}
