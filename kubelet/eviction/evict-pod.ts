/** Has one pod leave the node, and waits until it takes nothing of it any more. */
import type { Pod } from '../../api/generated/types.ts'
import type { Kubelet } from '../kubelet.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import type { PodWorker } from '../pods/pod-worker.ts'
import { activeContainers } from '../runtime/pod-runtime.ts'

/** How long to wait for an evicted pod before the node is looked at again. */
const goneWithinMs = 30_000

/** Resolves when the pod is gone, when that takes too long, or when the signal aborts. */
export async function evictPod(
  { events, clock }: KubeletContext,
  kubelet: Kubelet,
  pod: Pod,
  { message, graceSeconds }: { message: string; graceSeconds: number },
  signal: AbortSignal,
): Promise<void> {
  const worker = kubelet.worker(pod.metadata.uid)
  if (!worker) return
  events.pod(pod, 'Warning', 'Evicted', message)
  worker.fail({ phase: 'Failed', reason: 'Evicted', message, graceSeconds })
  const deadlineMs = clock.now().getTime() + goneWithinMs
  await new Promise<void>((resolve) => {
    const check = () => {
      if (!isGone(worker) && !signal.aborted && clock.now().getTime() < deadlineMs) return
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

/** Its disk is free once its volumes are given back: a node that looked before would have another pod leave for it. */
const isGone = (worker: PodWorker): boolean => worker.isReleased() && activeContainers(worker.runtime()).length === 0
