/** Watches what the node has left, tells its conditions, and has pods leave one at a time until there is enough again. */
import type { Pod } from '../../api/generated/types.ts'
import { untilAborted } from '../../component/until-aborted.ts'
import type { ImageCollector } from '../images/image-collector.ts'
import type { Kubelet } from '../kubelet.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import { isTerminal } from '../pods/pod-spec.ts'
import { evictPod } from './evict-pod.ts'
import { evictionMessage } from './message.ts'
import { observeNode, observePods } from './observe.ts'
import { createPressureTracker } from './pressure-tracker.ts'
import { exceededLimit, isCritical, type PodUsage, rankForEviction } from './rank.ts'
import { meets, type NodePressure, pressureOf, resourceOf, type Threshold } from './thresholds.ts'

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

interface EvictionRun {
  kubelet: Kubelet
  images: ImageCollector
  /** Ends every wait. */
  signal: AbortSignal
}

export function createEvictor(context: KubeletContext, settings: EvictionSettings, hooks: EvictorHooks): Evictor {
  const { clock, logger } = context
  const tracker = createPressureTracker({ ...settings, clock, changed: () => hooks.pressureChanged() })

  const activePods = (kubelet: Kubelet): Pod[] =>
    kubelet.pods().filter((pod) => !isTerminal(pod) && !kubelet.worker(pod.metadata.uid)?.isOver())

  const evict = ({ kubelet, signal }: EvictionRun, pod: Pod, message: string, graceSeconds: number) =>
    evictPod(context, kubelet, pod, { message, graceSeconds }, signal)

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
    const [threshold] = tracker.update(await observeNode(context))
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
    pressures: tracker.current,
    async run(kubelet, images, signal) {
      await Promise.race([kubelet.started, untilAborted(signal)])
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
