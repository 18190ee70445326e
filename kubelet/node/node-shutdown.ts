/** Ends the pods of a node that is about to go down: ordinary ones first, then those that keep the node alive. */
import type { Clock } from '../../component/clock.ts'
import { isCritical } from '../eviction/rank.ts'
import type { Kubelet } from '../kubelet.ts'
import type { Verdict } from '../pods/pod-facts.ts'
import type { PodWorker } from '../pods/pod-worker.ts'
import { activeContainers } from '../runtime/pod-runtime.ts'
import type { StatusWriter } from '../status/status-writer.ts'

export interface ShutdownPeriods {
  /** How long the node waits for all its pods; 0: pods outlive their kubelet, which is what a restart of it wants. */
  totalMs: number
  /** The part of it that is kept for critical pods. */
  criticalMs: number
}

export const shuttingDown = (): Verdict => ({
  phase: 'Failed',
  reason: 'NodeShutdown',
  message: 'Pod was rejected as the node is shutting down.',
})

const terminated = (graceSeconds: number): Verdict => ({
  phase: 'Failed',
  reason: 'Terminated',
  message: 'Pod was terminated in response to imminent node shutdown.',
  graceSeconds,
})

/** Resolves when no pod runs any more, or when its time is over; the API knows by then how each pod ended. */
export async function endPods(
  kubelet: Kubelet,
  { clock, statuses }: { clock: Clock; statuses: StatusWriter },
  { totalMs, criticalMs }: ShutdownPeriods,
): Promise<void> {
  const workers = kubelet.pods().flatMap(({ metadata }) => kubelet.worker(metadata.uid) ?? [])
  const running = workers.filter((worker) => !worker.isOver())
  const groups: [PodWorker[], number][] = [
    [running.filter((worker) => !isCritical(worker.pod())), Math.max(0, totalMs - criticalMs)],
    [running.filter((worker) => isCritical(worker.pod())), criticalMs],
  ]
  for (const [group, periodMs] of groups) {
    const timeUp = clock.sleep(periodMs)
    for (const worker of group) worker.fail(terminated(Math.floor(periodMs / 1000)))
    await Promise.all(group.map((worker) => Promise.race([untilQuiet(worker).then(() => statuses.flush(worker.uid)), timeUp])))
  }
}

/** A container that is being made shows up only once it is there: the worker says when it has given everything back. */
const untilQuiet = (worker: PodWorker): Promise<void> =>
  new Promise((resolve) => {
    const check = () => {
      if (activeContainers(worker.runtime()).length > 0 || !worker.isReleased()) return
      leave()
      resolve()
    }
    const leave = worker.onLook(check)
    check()
  })
