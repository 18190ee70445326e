/** One pod on this node, from its first sight to its last trace: looks, plans, acts, and is never blocked by another pod. */
import { isDeepStrictEqual } from 'node:util'
import type { Pod, ResourceRequirements } from '../api/generated/types.ts'
import { keyOf } from '../api/object.ts'
import type { Cancel } from '../component/clock.ts'
import type { KubeletContext } from './kubelet-context.ts'
import { createPodTasks } from './pod-tasks.ts'
import { createPodState, type PodState } from './tasks/pod-scope.ts'
import type { Verdict } from './pod-facts.ts'
import { containersOf, isTerminal } from './pod-spec.ts'
import { planPod, type PodAction, taskKey } from './plan-pod.ts'
import { createPodProber } from './probes/prober.ts'
import { computePodStatus } from './status/pod-status.ts'
import { isResized, type ResizeProblem } from './resize.ts'
import { newestContainer, type PodRuntime } from './runtime/pod-runtime.ts'
import { createRuntimeView } from './runtime/runtime-view.ts'
import { createPodObjects } from './objects/pod-objects.ts'
import type { VolumePlace } from './volumes/volume-kind.ts'

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

const longestWaitMs = 60_000

export function createPodWorker(first: Pod, { context, isNew, judgeResize: judge, onForgotten }: WorkerOptions): PodWorker {
  const { clock, statuses, reader } = context
  const { uid } = first.metadata
  const logger = context.logger.with({ pod: keyOf(first) })
  const prober = createPodProber({
    cri: context.cri,
    probe: context.platform.probe,
    clock,
    events: context.events,
    counts: context.probeCounts,
    onChange: () => wake(),
  })
  const objects = createPodObjects(first, context.watched, () => {
    tasks.objectsChanged()
    wake()
  })
  const state = createPodState(first, objects, prober.facts, clock.now())
  const tasks = createPodTasks(state, context, {
    wake: () => wake(),
    runtimeChanged: () => runtimeChanged(),
    sandboxMade(id) {
      view.sandboxMade(id)
      wake()
    },
    containerMade(id, sandboxId) {
      view.containerMade(id, sandboxId)
      wake()
    },
  })
  const view = createRuntimeView({ uid, reader, clock, isNew, lookAgain: () => runtimeChanged() })
  const lookers = new Set<() => void>()
  let dirty = false
  let running = false
  let stopped = false
  let cancelTimer: Cancel = () => {}

  function wake(): void {
    dirty = true
    if (running || stopped) return
    running = true
    loop()
      .catch((error: unknown) => {
        logger.error('pod sync failed', { error })
        view.changed()
        cancelTimer = clock.setTimeout(wake, 1000)
      })
      .finally(() => {
        running = false
        if (dirty && !stopped) wake()
      })
  }

  function runtimeChanged(exited?: string): void {
    view.changed(exited)
    wake()
  }

  async function loop(): Promise<void> {
    while (dirty && !stopped) {
      dirty = false
      if (view.needsLook()) await look()
      step()
      for (const looked of lookers) looked()
    }
  }

  async function look(): Promise<void> {
    state.runtime = await view.look(state.runtime)
    for (const { id, name, state: now } of state.runtime.containers)
      if (now === 'running' && !state.applied.has(id)) state.applied.set(id, knownResources(state.pod, id, name))
  }

  function step(): void {
    prober.sync(state.pod, state.runtime)
    const nowMs = clock.now().getTime()
    const facts = tasks.facts()
    const actions = planPod(state.pod, state.runtime, facts, nowMs)
    for (const action of actions) if (action.do === 'back-off' || action.do === 'fail-pod') tasks.note(action)
    const status = computePodStatus(state.pod, state.runtime, tasks.facts(), { hostIps: context.nodeIps }, nowMs)
    if (!state.gone) statuses.set(state.pod, status)
    for (const action of actions) act(action)
    schedule(actions, nowMs)
  }

  function act(action: PodAction): void {
    if (action.do === 'forget') return forget()
    if (action.do !== 'wake' && action.do !== 'back-off' && action.do !== 'fail-pod') tasks.start(taskKey(action), action)
  }

  function schedule(actions: readonly PodAction[], nowMs: number): void {
    cancelTimer()
    const times = actions.flatMap((action) =>
      action.do === 'wake' ? [action.atMs] : action.do === 'back-off' ? [action.untilMs] : [],
    )
    const atMs = Math.min(...times, tasks.nextRefreshMs() ?? Infinity)
    if (atMs === Infinity) return
    cancelTimer = clock.setTimeout(
      () => {
        tasks.refreshIfDue()
        wake()
      },
      // Long waits are cut: the wall clock may have been set meanwhile.
      Math.min(longestWaitMs, Math.max(1, atMs - nowMs)),
    )
  }

  function forget(): void {
    stop()
    reader.forget(state.runtime)
    tasks.forget().then(
      () => onForgotten(uid),
      (error: unknown) => {
        logger.error('cannot remove the last traces of a pod', { error })
        onForgotten(uid)
      },
    )
  }

  function stop(): void {
    stopped = true
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
      const metadataChanged = !isDeepStrictEqual(
        [pod.metadata.labels, pod.metadata.annotations],
        [state.pod.metadata.labels, state.pod.metadata.annotations],
      )
      // What was refused before is another wish now.
      if (pod.metadata.generation !== state.pod.metadata.generation)
        for (const key of state.notBefore.keys()) if (key.startsWith('resize/')) state.notBefore.delete(key)
      // What is known of the image of before, or holds up its next pull, says nothing of the new one.
      for (const { name, image } of containersOf(pod))
        if (containersOf(state.pod).some((old) => old.name === name && old.image !== image)) state.images.delete(name)
      state.pod = pod
      objects.update(pod)
      state.resizeProblem = hasResize(state) ? judge(pod) : undefined
      if (metadataChanged) tasks.objectsChanged()
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
      state.resizeProblem = judge(state.pod)
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

const hasResize = ({ pod, runtime, applied }: PodState): boolean =>
  containersOf(pod).some((container) => {
    const current = newestContainer(runtime, container.name)
    return current?.state === 'running' && applied.has(current.id) && isResized(container.resources, applied.get(current.id))
  })

/** What an earlier kubelet gave a container is in its status; without one it is what the spec says. */
function knownResources(pod: Pod, id: string, name: string): ResourceRequirements {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  const status = [...containerStatuses, ...initContainerStatuses].find(({ containerID }) => containerID === `containerd://${id}`)
  return status?.resources ?? containersOf(pod).find((container) => container.name === name)?.resources ?? {}
}
