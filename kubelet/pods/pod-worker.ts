/** One pod on this node, from its first sight to its last trace: looks, plans, acts, and is never blocked by another pod. */
import { isDeepStrictEqual } from 'node:util'
import type { Pod } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { Cancel } from '../../component/clock.ts'
import { coalesce } from '../../component/coalesce.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import { createPodObjects } from '../objects/pod-objects.ts'
import type { Verdict } from './pod-facts.ts'
import { passOver } from './pod-pass.ts'
import { isTerminal } from './pod-spec.ts'
import { awaitsResize, createPodState, takeVersion } from './pod-state.ts'
import { createPodTasks } from './pod-tasks.ts'
import { createPodProber } from '../probes/prober.ts'
import type { ResizeProblem } from './resize.ts'
import type { PodRuntime } from '../runtime/pod-runtime.ts'
import { createRuntimeView } from '../runtime/runtime-view.ts'
import type { VolumePlace } from '../volumes/volume-kind.ts'

export interface PodWorker {
  readonly uid: string
  pod(): Pod
  runtime(): PodRuntime
  /** Where each of its volumes is, as far as they are there. */
  volumes(): ReadonlyMap<string, VolumePlace>
  /** It takes nothing of the node any more. */
  isOver(): boolean
  /** Nothing of it runs, and its volumes and cgroups were given back. */
  isReleased(): boolean
  /** A newer version of the pod. */
  update(pod: Pod): void
  /** The API has no such pod any more. */
  gone(): void
  /** Begins to look after the pod. */
  start(): void
  /** The runtime may hold something new; `exited` names a container that is known to have ended. */
  runtimeChanged(exited?: string): void
  /** Another pod has left: what did not fit may fit now. */
  roomChanged(): void
  /** The kubelet gives up on the pod: rejected or evicted. */
  fail(verdict: Verdict): void
  /** Calls back whenever the worker has looked and acted; answers how to stop that. */
  onLook(looked: () => void): () => void
  /** Stops looking after the pod; its containers stay as they are. */
  stop(): void
}

export interface WorkerOptions {
  context: KubeletContext
  /** The runtime holds nothing of it yet: its first look would find nothing. */
  isNew: boolean
  /** Whether the node can give the pod what its spec asks for now. */
  judgeResize(pod: Pod): ResizeProblem | undefined
  /** The pod needs no worker any more. */
  onForgotten(uid: string): void
}

/** Long waits are cut: the wall clock may have been set meanwhile. */
const longestWaitMs = 60_000
const retryMs = 1000

export function createPodWorker(first: Pod, { context, isNew, judgeResize, onForgotten }: WorkerOptions): PodWorker {
  const { clock, reader } = context
  const { uid } = first.metadata
  const logger = context.logger.with({ pod: keyOf(first) })
  const lookers = new Set<() => void>()
  let cancelTimer: Cancel = () => {}

  const passes = coalesce(pass, {
    onError(error) {
      logger.error('pod sync failed', { error })
      view.changed()
      clock.setTimeout(wake, retryMs)
    },
  })
  const wake = passes.request
  const runtimeChanged = (exited?: string) => {
    view.changed(exited)
    wake()
  }

  const prober = createPodProber({ ...context, probe: context.platform.probe, counts: context.probeCounts, onChange: wake })
  const objects = createPodObjects(first, context.watched, () => {
    tasks.objectsChanged()
    wake()
  })
  const state = createPodState(first, objects, prober.facts, clock.now())
  const view = createRuntimeView({ uid, reader, clock, isNew, lookAgain: runtimeChanged })
  const tasks = createPodTasks(state, context, {
    wake,
    runtimeChanged,
    sandboxMade(id) {
      view.sandboxMade(id)
      wake()
    },
    containerMade(id, sandboxId) {
      view.containerMade(id, sandboxId)
      wake()
    },
  })

  async function pass(): Promise<void> {
    const { forget, againAtMs } = await passOver({ state, tasks, view, prober }, context)
    if (forget) leave()
    else wakeAt(againAtMs)
    for (const looked of lookers) looked()
  }

  function wakeAt(atMs: number): void {
    cancelTimer()
    if (atMs === Infinity) return
    const due = () => {
      tasks.refreshIfDue()
      wake()
    }
    cancelTimer = clock.setTimeout(due, Math.min(longestWaitMs, Math.max(1, atMs - clock.now().getTime())))
  }

  function leave(): void {
    stop()
    reader.forget(state.runtime)
    tasks
      .forget()
      .catch((error: unknown) => logger.error('cannot remove the last traces of a pod', { error }))
      .finally(() => onForgotten(uid))
  }

  function stop(): void {
    passes.stop()
    cancelTimer()
    prober.stop()
    objects.release()
    for (const looked of lookers) looked()
  }

  return {
    uid,
    pod: () => state.pod,
    runtime: () => state.runtime,
    volumes: tasks.volumes,
    isOver: () => state.verdict !== undefined || state.released || isTerminal(state.pod),
    isReleased: () => state.released,
    update(pod) {
      const before = state.pod.metadata
      takeVersion(state, pod)
      objects.update(pod)
      state.resizeProblem = awaitsResize(state) ? judgeResize(pod) : undefined
      // The downward API shows them.
      if (!isDeepStrictEqual([before.labels, before.annotations], [pod.metadata.labels, pod.metadata.annotations]))
        tasks.objectsChanged()
      wake()
    },
    gone() {
      state.gone = true
      wake()
    },
    start: wake,
    runtimeChanged,
    roomChanged() {
      if (!state.resizeProblem) return
      state.resizeProblem = judgeResize(state.pod)
      wake()
    },
    onLook(looked) {
      lookers.add(looked)
      return () => void lookers.delete(looked)
    },
    fail(verdict) {
      state.verdict = verdict
      wake()
    },
    stop,
  }
}
