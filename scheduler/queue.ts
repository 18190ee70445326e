/**
 * Pods that wait for a node: active ones by priority, those in backoff by time, and those that nothing yet has helped.
 * An event wakes only pods that it may help, as the plugins which refused them judge.
 */
import { computeBackoff } from '../component/backoff.ts'
import type { Clock } from '../component/clock.ts'
import { createBackoffPods } from './backoff-pods.ts'
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
  const gatekeepers = plugins.filter(({ preEnqueue }) => preEnqueue !== undefined)
  const uidOf = ({ info }: QueuedPod) => info.uid
  const backoffMs = ({ attempts }: QueuedPod) => computeBackoff({ initialMs: initialBackoffMs, maxMs: maxBackoffMs }, attempts)
  const dueAt = (pod: QueuedPod) => pod.failedAt + backoffMs(pod)
  const nowMs = () => clock.now().getTime()
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]))
  /** A pod that nobody refused found no node at all. */
  const mayHelp = ({ info, refusedBy }: QueuedPod, event: ClusterEvent) =>
    refusedBy.size === 0 || [...refusedBy].some((name) => byName.get(name)?.isHelpedBy?.(info, event))
  let notify = () => {}
  let closed = false

  const activate = (pod: QueuedPod) => {
    if (gatekeepers.some(({ preEnqueue }) => preEnqueue!(pod.info) !== null)) return void gated.set(pod.info.uid, pod)
    active.push(pod)
    notify()
  }
  const active = createHeap(uidOf, byPriority)
  const backoff = createBackoffPods({ clock, uidOf, dueAt, onDue: activate })
  const unschedulable = new Map<string, QueuedPod>()
  const gated = new Map<string, QueuedPod>()

  const wake = (pod: QueuedPod) => {
    unschedulable.delete(pod.info.uid)
    if (dueAt(pod) <= nowMs()) activate(pod)
    else backoff.push(pod)
  }
  const take = (uid: string): QueuedPod | undefined => {
    const pod = active.delete(uid) ?? backoff.delete(uid) ?? unschedulable.get(uid) ?? gated.get(uid)
    unschedulable.delete(uid)
    gated.delete(uid)
    return pod
  }
  /** One victim less: the last one wakes the pod at once. */
  const roomMade = (pod: QueuedPod, victim: string, cause: string | undefined) => {
    if (!pod.awaits?.delete(victim) || pod.awaits.size > 0) return
    unschedulable.delete(pod.info.uid)
    activate({ ...pod, awaits: undefined, cause })
  }
  const wakeLeftovers = () => {
    for (const pod of unschedulable.values()) if (nowMs() - pod.failedAt > leftoverMs) wake(pod)
    if (!closed) leftovers = clock.setTimeout(wakeLeftovers, leftoverCheckMs)
  }
  let leftovers = clock.setTimeout(wakeLeftovers, leftoverCheckMs)

  return {
    add(info, cause) {
      take(info.uid)
      activate({ info, since: nowMs(), attempts: 0, failedAt: 0, refusedBy: new Set(), cause })
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
      const entry = { ...pod, refusedBy, failedAt: nowMs(), awaits: awaited.size > 0 ? awaited : undefined }
      unschedulable.set(pod.info.uid, entry)
    },
    retry: (pod) => backoff.push({ ...pod, failedAt: nowMs() }),
    happened(event, cause) {
      const left = event.kind === 'Pod' && event.type === 'delete' ? event.object.metadata.uid : undefined
      // The room of a victim is that of the pod which made it: others that wait for theirs need not look.
      const isVictim = left !== undefined && unschedulable.values().some(({ awaits }) => awaits?.has(left))
      for (const pod of unschedulable.values()) {
        if (isVictim && pod.awaits) roomMade(pod, left, cause)
        else if (mayHelp(pod, event)) wake({ ...pod, cause })
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
      backoff.close()
    },
  }
}
