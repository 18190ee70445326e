/**
 * Pods that wait for a node: active ones by priority, those in backoff by time, and those that nothing yet has helped.
 * An event wakes only pods that it may help, as the plugins which refused them judge.
 */
import { computeBackoff } from '../component/backoff.ts'
import type { Cancel, Clock } from '../component/clock.ts'
import type { ClusterEvent, SchedulerPlugin } from './framework.ts'
import { createHeap } from './heap.ts'
import type { PodInfo } from './pod-info.ts'
import { byPriority } from './plugins/priority-sort.ts'

export interface QueuedPod {
  info: PodInfo
  /** When it came into the queue first, in milliseconds. */
  since: number
  attempts: number
  /** When the last attempt failed. */
  failedAt: number
  /** Plugins that refused it. */
  refusedBy: ReadonlySet<string>
  /** Pods that must be gone before it has the room it made: only the last of them wakes it, and then at once. */
  awaits?: Set<string> | undefined
  /** What woke it last. */
  cause: string | undefined
}

/** Upstream's names: ready to be tried, until its backoff is over, until something helps, until its gates are gone. */
export type WaitingPlace = 'active' | 'backoff' | 'unschedulable' | 'gated'

export interface SchedulingQueue {
  /** A new pod, or a new version of one that waits; unchanged where it waits unless the change may help it. */
  add(info: PodInfo, cause?: string): void
  update(info: PodInfo, mayHelp: boolean, cause?: string): void
  delete(uid: string): void
  /** The next pod to decide on. Belongs to the caller until it is given back or deleted. */
  pop(): QueuedPod | undefined
  /** No node would do: it waits for an event that helps one of the plugins that refused. */
  unschedulable(pod: QueuedPod, refusedBy: ReadonlySet<string>, awaits?: Iterable<string>): void
  /** Something else went wrong: it comes back after its backoff. */
  retry(pod: QueuedPod): void
  /** Pods that the event may help come back, after their backoff. */
  happened(event: ClusterEvent, cause?: string): void
  /** Where the pod waits; undefined when it does not. */
  find(uid: string): { where: WaitingPlace; pod: QueuedPod; dueAt: number } | undefined
  sizes(): { active: number; backoff: number; unschedulable: number; gated: number }
  /** Called whenever there may be something to pop. */
  onActive(listener: () => void): void
  close(): void
}

export interface QueueOptions {
  clock: Clock
  plugins: readonly SchedulerPlugin[]
  /** Upstream's podInitialBackoffSeconds and podMaxBackoffSeconds. */
  initialBackoffMs?: number
  maxBackoffMs?: number
}

/** A pod that no event has woken for so long is tried again in case a hint was missed. */
const leftoverMs = 5 * 60_000
const leftoverCheckMs = 30_000

export function createQueue({ clock, plugins, initialBackoffMs = 1000, maxBackoffMs = 10_000 }: QueueOptions): SchedulingQueue {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]))
  const gatekeepers = plugins.filter(({ preEnqueue }) => preEnqueue !== undefined)
  const keyOf = ({ info }: QueuedPod) => info.uid
  const backoffMs = ({ attempts }: QueuedPod) => computeBackoff({ initialMs: initialBackoffMs, maxMs: maxBackoffMs }, attempts)
  const dueAt = (pod: QueuedPod) => pod.failedAt + backoffMs(pod)

  const active = createHeap(keyOf, byPriority)
  const backoff = createHeap(keyOf, (a: QueuedPod, b: QueuedPod) => dueAt(a) - dueAt(b))
  const unschedulable = new Map<string, QueuedPod>()
  const gated = new Map<string, QueuedPod>()
  let notify = () => {}
  let timer: { at: number; cancel: Cancel } | undefined
  let closed = false

  const isGated = ({ info }: QueuedPod) => gatekeepers.some(({ preEnqueue }) => preEnqueue!(info) !== null)
  const activate = (pod: QueuedPod) => {
    if (isGated(pod)) return void gated.set(pod.info.uid, pod)
    active.push(pod)
    notify()
  }
  const wakeDue = () => {
    timer = undefined
    const now = clock.now().getTime()
    for (let next = backoff.peek(); next && dueAt(next) <= now; next = backoff.peek()) activate(backoff.pop()!)
    setTimer()
  }
  const setTimer = () => {
    const next = backoff.peek()
    if (!next || closed) return
    const at = dueAt(next)
    if (timer && timer.at <= at) return
    timer?.cancel()
    timer = { at, cancel: clock.setTimeout(wakeDue, Math.max(0, at - clock.now().getTime())) }
  }
  const wake = (pod: QueuedPod) => {
    unschedulable.delete(pod.info.uid)
    if (dueAt(pod) <= clock.now().getTime()) return activate(pod)
    backoff.push(pod)
    setTimer()
  }
  const take = (uid: string): QueuedPod | undefined => {
    const pod = active.delete(uid) ?? backoff.delete(uid) ?? unschedulable.get(uid) ?? gated.get(uid)
    unschedulable.delete(uid)
    gated.delete(uid)
    return pod
  }
  const wakeLeftovers = () => {
    const now = clock.now().getTime()
    for (const pod of unschedulable.values()) if (now - pod.failedAt > leftoverMs) wake(pod)
    if (!closed) leftovers = clock.setTimeout(wakeLeftovers, leftoverCheckMs)
  }
  let leftovers = clock.setTimeout(wakeLeftovers, leftoverCheckMs)

  return {
    add(info, cause) {
      take(info.uid)
      activate({ info, since: clock.now().getTime(), attempts: 0, failedAt: 0, refusedBy: new Set(), cause })
    },
    update(info, mayHelp, cause) {
      const { uid } = info
      const waiting = unschedulable.get(uid)
      if (waiting && !mayHelp) return void unschedulable.set(uid, { ...waiting, info })
      const inBackoff = backoff.get(uid)
      if (inBackoff) return backoff.push({ ...inBackoff, info })
      const known = take(uid)
      if (!known) return
      const updated = { ...known, info, cause: cause ?? known.cause }
      if (waiting) wake(updated)
      else activate(updated)
    },
    delete: (uid) => void take(uid),
    pop() {
      const pod = active.pop()
      return pod && { ...pod, attempts: pod.attempts + 1 }
    },
    unschedulable(pod, refusedBy, awaits = []) {
      const awaited = new Set(awaits)
      const failedAt = clock.now().getTime()
      unschedulable.set(pod.info.uid, { ...pod, refusedBy, failedAt, awaits: awaited.size > 0 ? awaited : undefined })
    },
    retry(pod) {
      backoff.push({ ...pod, failedAt: clock.now().getTime() })
      setTimer()
    },
    happened(event, cause) {
      const left = event.kind === 'Pod' && event.type === 'delete' ? event.object.metadata.uid : undefined
      // The room of a victim is that of the pod which made it: others that wait for theirs need not look.
      const isVictim = left !== undefined && unschedulable.values().some(({ awaits }) => awaits?.has(left))
      for (const pod of unschedulable.values()) {
        if (isVictim && pod.awaits) {
          if (pod.awaits.delete(left) && pod.awaits.size === 0) {
            unschedulable.delete(pod.info.uid)
            activate({ ...pod, awaits: undefined, cause })
          }
          continue
        }
        // Nobody refused it: there was no node at all.
        const refusers = [...pod.refusedBy]
        const mayHelp = refusers.length === 0 || refusers.some((name) => byName.get(name)?.isHelpedBy?.(pod.info, event))
        if (mayHelp) wake({ ...pod, cause })
      }
    },
    find(uid) {
      const places = {
        active: active.get(uid),
        backoff: backoff.get(uid),
        unschedulable: unschedulable.get(uid),
        gated: gated.get(uid),
      }
      const found = Object.entries(places).find(([, pod]) => pod !== undefined)
      return found && { where: found[0] as WaitingPlace, pod: found[1]!, dueAt: dueAt(found[1]!) }
    },
    sizes: () => ({ active: active.size(), backoff: backoff.size(), unschedulable: unschedulable.size, gated: gated.size }),
    onActive: (listener) => void (notify = listener),
    close() {
      closed = true
      leftovers()
      timer?.cancel()
    },
  }
}
