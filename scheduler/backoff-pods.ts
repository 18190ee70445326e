/** Pods in backoff, by the time it ends: each is given back then. */
import type { Cancel, Clock } from '../component/clock.ts'
import { createHeap } from './heap.ts'

export interface BackoffPods<T> {
  push(pod: T): void
  get(uid: string): T | undefined
  delete(uid: string): T | undefined
  size(): number
  /** None is given back any more. */
  close(): void
}

export interface BackoffPodsOptions<T> {
  clock: Clock
  uidOf(pod: T): string
  /** In milliseconds. */
  dueAt(pod: T): number
  onDue(pod: T): void
}

export function createBackoffPods<T>({ clock, uidOf, dueAt, onDue }: BackoffPodsOptions<T>): BackoffPods<T> {
  const pods = createHeap(uidOf, (a: T, b: T) => dueAt(a) - dueAt(b))
  let timer: { at: number; cancel: Cancel } | undefined
  let closed = false

  const wakeDue = () => {
    timer = undefined
    const now = clock.now().getTime()
    for (let next = pods.peek(); next && dueAt(next) <= now; next = pods.peek()) onDue(pods.pop()!)
    setTimer()
  }
  const setTimer = () => {
    const next = pods.peek()
    if (!next || closed) return
    const at = dueAt(next)
    if (timer && timer.at <= at) return
    timer?.cancel()
    timer = { at, cancel: clock.setTimeout(wakeDue, Math.max(0, at - clock.now().getTime())) }
  }

  return {
    push(pod) {
      pods.push(pod)
      setTimer()
    },
    get: pods.get,
    delete: pods.delete,
    size: pods.size,
    close() {
      closed = true
      timer?.cancel()
    },
  }
}
