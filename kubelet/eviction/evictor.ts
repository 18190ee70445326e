/** Watches what the node has left, tells its conditions, and has pods leave one at a time until there is enough again. */
import type { Pod } from '../../api/generated/types.ts'
import type { ImageCollector } from '../images/image-collector.ts'
import type { Kubelet } from '../kubelet.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import { isTerminal } from '../pod-spec.ts'
import { activeContainers } from '../runtime/pod-runtime.ts'
import { evictionMessage } from './message.ts'
import { observeNode, observePods } from './observe.ts'
import { exceededLimit, isCritical, type PodUsage, rankForEviction } from './rank.ts'
import { byUrgency, meets, type NodePressure, type Observations, pressureOf, resourceOf, type Threshold } from './thresholds.ts'

export interface EvictionSettings {
  thresholds: readonly Threshold[]
  /** How long a node must have been well before it says so. */
  transitionMs: number
  /** The most that a soft threshold gives a pod to end. */
  maxPodGraceSeconds: number
  intervalMs: number
}

export interface Evictor {
  /** The pressures that the node is under now. */
  pressures(): ReadonlySet<NodePressure>
  /** Resolves when the signal aborts. */
  run(kubelet: Kubelet, images: ImageCollector, signal: AbortSignal): Promise<void>
}

export interface EvictorHooks {
  pressureChanged(): void
  /** Says on the node that it tries to get some of this resource back. */
  reclaiming(resource: string): void
}

/** How long to wait for an evicted pod before the node is looked at again. */
const goneWithinMs = 30_000

interface EvictionRun {
  kubelet: Kubelet
  images: ImageCollector
  /** Ends every wait. */
  signal: AbortSignal
}

/** Pure: which thresholds are met, and since when each of them is. */
export function trackThresholds(
  thresholds: readonly Threshold[],
  seen: Observations,
  since: ReadonlyMap<Threshold, number>,
  nowMs: number,
): { since: Map<Threshold, number>; due: Threshold[] } {
  const met = thresholds.filter((threshold) => meets(threshold, seen, since.has(threshold)))
  const now = new Map(met.map((threshold) => [threshold, since.get(threshold) ?? nowMs]))
  const due = met.filter((threshold) => nowMs - now.get(threshold)! >= threshold.graceMs).toSorted(byUrgency)
  return { since: now, due }
}

export function createEvictor(context: KubeletContext, settings: EvictionSettings, hooks: EvictorHooks): Evictor {
  const { clock, logger } = context
  let since = new Map<Threshold, number>()
  const lastMet = new Map<NodePressure, number>()
  let pressures: ReadonlySet<NodePressure> = new Set()
  const nowMs = () => clock.now().getTime()

  function updatePressures(): void {
    for (const { signal } of since.keys()) lastMet.set(pressureOf(signal), nowMs())
    for (const [pressure, atMs] of lastMet)
      if (Math.abs(nowMs() - atMs) >= settings.transitionMs && atMs !== nowMs()) lastMet.delete(pressure)
    const before = [...pressures].join()
    pressures = new Set(lastMet.keys())
    if ([...pressures].join() !== before) hooks.pressureChanged()
  }

  const activePods = (kubelet: Kubelet): Pod[] =>
    kubelet.pods().filter((pod) => !isTerminal(pod) && !kubelet.worker(pod.metadata.uid)?.isOver())

  async function evict({ kubelet, signal }: EvictionRun, pod: Pod, message: string, graceSeconds: number): Promise<void> {
    const worker = kubelet.worker(pod.metadata.uid)
    if (!worker) return
    context.events.pod(pod, 'Warning', 'Evicted', message)
    worker.fail({ phase: 'Failed', reason: 'Evicted', message, graceSeconds })
    const deadlineMs = nowMs() + goneWithinMs
    await new Promise<void>((resolve) => {
      // Its disk is free once its volumes are given back: a node that looked before would have another pod leave for it.
      const isGone = () => worker.isReleased() && activeContainers(worker.runtime()).length === 0
      const check = () => {
        if (!isGone() && !signal.aborted && nowMs() < deadlineMs) return
        leave()
        signal.removeEventListener('abort', check)
        cancel()
        resolve()
      }
      const leave = worker.onLook(check)
      const cancel = clock.setTimeout(check, goneWithinMs)
      signal.addEventListener('abort', check)
      check()
    })
  }

  /** Pods that use more than they may are not waited for: the others stay as they are. */
  async function evictGreedy(run: EvictionRun, usages: ReadonlyMap<string, PodUsage>): Promise<boolean> {
    const greedy = activePods(run.kubelet).flatMap((pod) => {
      const usage = usages.get(pod.metadata.uid)
      const why = usage && exceededLimit(pod, usage)
      return why && !isCritical(pod) ? [{ pod, why }] : []
    })
    await Promise.all(greedy.map(({ pod, why }) => evict(run, pod, why, hardGraceSeconds)))
    return greedy.length > 0
  }

  async function synchronize(run: EvictionRun): Promise<void> {
    const tracked = trackThresholds(settings.thresholds, await observeNode(context), since, nowMs())
    since = tracked.since
    updatePressures()
    const [threshold] = tracked.due
    const pods = activePods(run.kubelet)
    if (!threshold && !pods.some(limitsStorage)) return
    if (await evictGreedy(run, await observePods(pods, context))) return
    if (threshold) await reclaim(run, threshold)
  }

  async function reclaim(run: EvictionRun, threshold: Threshold): Promise<void> {
    const resource = resourceOf(threshold.signal)
    logger.warn('the node runs low', { signal: threshold.signal })
    hooks.reclaiming(resource)
    // What no pod needs goes before any pod does.
    if (pressureOf(threshold.signal) === 'DiskPressure' && (await run.images.removeUnused()) > 0) {
      if (!meets(threshold, await observeNode(context), true)) return
    }
    const pods = activePods(run.kubelet).filter((pod) => !isCritical(pod))
    const usages = await observePods(pods, context)
    const [victim] = rankForEviction(pods, threshold.signal, ({ metadata }) => usages.get(metadata.uid))
    if (!victim) return
    const seen = (await observeNode(context)).get(threshold.signal)
    if (!seen) return
    const message = evictionMessage(victim, threshold, seen, usages.get(victim.metadata.uid))
    const soft = Math.min(settings.maxPodGraceSeconds, victim.spec.terminationGracePeriodSeconds ?? 30)
    await evict(run, victim, message, threshold.graceMs > 0 ? soft : hardGraceSeconds)
  }

  return {
    pressures: () => pressures,
    async run(kubelet, images, signal) {
      await Promise.race([kubelet.started, clock.sleep(2 ** 31 - 1, signal)])
      while (!signal.aborted) {
        await synchronize({ kubelet, images, signal }).catch((error: unknown) =>
          logger.warn('cannot look after the resources of the node', { error: String(error) }),
        )
        await clock.sleep(settings.intervalMs, signal)
      }
    },
  }
}

/** As upstream: a hard threshold leaves a pod no time to speak of. */
const hardGraceSeconds = 1

const limitsStorage = ({ spec }: Pod): boolean =>
  spec.containers.some(({ resources }) => resources?.limits?.['ephemeral-storage']) ||
  (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && emptyDir.medium !== 'Memory')
