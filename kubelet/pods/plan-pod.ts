/** Pure: what to do next for a pod, given its spec, what the runtime holds of it and what its worker knows. */
import type { Container, Pod } from '../../api/generated/types.ts'
import { isComingUp, isStarting, type PodFacts, type Verdict } from './pod-facts.ts'
import { containersOf, isSidecar, isTerminal, shouldRestart } from './pod-spec.ts'
import { computeResize } from './resize.ts'
import { backoffUntil, formatDuration } from './restart-backoff.ts'
import { isChanged } from '../runtime/labels.ts'
import {
  activeContainers,
  newestContainer,
  type PodRuntime,
  type RuntimeContainer,
  type RuntimeSandbox,
} from '../runtime/pod-runtime.ts'

export type PodAction =
  | { do: 'prepare-volumes' }
  | { do: 'create-sandbox'; attempt: number }
  | { do: 'stop-sandbox'; id: string }
  | { do: 'remove-sandbox'; id: string }
  | { do: 'ensure-image'; container: string }
  | { do: 'start-container'; container: string; attempt: number }
  /** The container has to wait until then before it starts again. */
  | { do: 'back-off'; container: string; untilMs: number; message: string }
  | { do: 'kill-container'; id: string; container: string; graceSeconds: number; why: string; final?: true }
  /** A sidecar's hook runs as soon as its pod ends, its signal waits for its turn. */
  | { do: 'pre-stop'; id: string; container: string; graceSeconds: number }
  /** A container on its way out gets less time than it was given first. */
  | { do: 'shorten-grace'; id: string; graceSeconds: number }
  | { do: 'resize-container'; id: string; container: string }
  | { do: 'remove-container'; id: string }
  | { do: 'fail-pod'; verdict: Verdict }
  /** Gives back volumes and cgroups; only once no container runs. */
  | { do: 'release' }
  /** Tells the API that nothing of the pod is left on the node. */
  | { do: 'finish' }
  /** Removes the last traces; the worker's end. */
  | { do: 'forget' }
  | { do: 'wake'; atMs: number }

/** Names the task of an action, for `facts.busy` and `facts.notBefore`. */
export function taskKey(action: PodAction): string {
  switch (action.do) {
    case 'prepare-volumes':
      return 'volumes'
    case 'create-sandbox':
      return 'sandbox'
    case 'stop-sandbox':
    case 'remove-sandbox':
      return `sandbox/${action.id}`
    case 'ensure-image':
      return `image/${action.container}`
    case 'start-container':
    case 'back-off':
      return `start/${action.container}`
    // One after the other: a hook that still runs holds up the signal.
    case 'pre-stop':
    case 'kill-container':
      return `kill/${action.id}`
    case 'shorten-grace':
      return `shorten/${action.id}`
    case 'resize-container':
      return `resize/${action.id}`
    case 'remove-container':
      return `remove/${action.id}`
    default:
      return action.do
  }
}

/** A settled pod yields only `wake` and `back-off`. */
export function planPod(pod: Pod, runtime: PodRuntime, facts: PodFacts, nowMs: number): PodAction[] {
  const actions = planAll(pod, runtime, facts, nowMs)
  return actions.flatMap((action): PodAction[] => {
    const key = taskKey(action)
    if (facts.busy.has(key)) return []
    const notBefore = facts.notBefore.get(key) ?? 0
    return isAhead(notBefore, nowMs) ? [{ do: 'wake', atMs: notBefore }] : [action]
  })
}

/** No wait is that long: the clock has been set back since it began, and the wait is over. */
const longestWaitMs = 600_000

/** Upstream leaves a container this many seconds, however long others took. */
const minimumGrace = 2
const isAhead = (atMs: number, nowMs: number): boolean => atMs > nowMs && atMs - nowMs <= longestWaitMs

function planAll(pod: Pod, runtime: PodRuntime, facts: PodFacts, nowMs: number): PodAction[] {
  if (pod.metadata.deletionTimestamp || facts.gone || facts.verdict || isTerminal(pod)) return planEnd(pod, runtime, facts, nowMs)
  const overdue = planDeadline(pod, facts, nowMs)
  if (overdue?.do === 'fail-pod') return [overdue]
  const actions = planLife(pod, runtime, facts, nowMs)
  return overdue ? [...actions, overdue] : actions
}

function planDeadline(pod: Pod, facts: PodFacts, nowMs: number): PodAction | undefined {
  const seconds = pod.spec.activeDeadlineSeconds
  if (seconds === undefined) return undefined
  const atMs = facts.startedMs + seconds * 1000
  if (atMs > nowMs) return { do: 'wake', atMs }
  const message = 'Pod was active on the node longer than the specified deadline'
  return { do: 'fail-pod', verdict: { phase: 'Failed', reason: 'DeadlineExceeded', message } }
}

// ---- A pod that is to run

function planLife(pod: Pod, runtime: PodRuntime, facts: PodFacts, nowMs: number): PodAction[] {
  const sandbox = runtime.sandboxes[0]
  const ready = sandbox?.ready === true
  const stray = runtime.containers.filter(({ state, sandboxId }) => state === 'running' && (!ready || sandboxId !== sandbox.id))
  const steps = planContainers(pod, runtime, facts, nowMs, ready ? sandbox : undefined)
  const clearing = [
    ...stray.map((container) => kill(container, grace(pod), `Stopping container ${container.name}`)),
    ...runtime.sandboxes.slice(ready ? 1 : 0).flatMap((old) => planOldSandbox(old, runtime, facts, old === sandbox)),
    ...planHistory(runtime),
  ]
  // A container must not start while one of its name still runs in a dead sandbox.
  if (stray.length > 0) return clearing
  if (steps.done) return [...clearing, ...planQuiet(pod, runtime, facts, nowMs)]
  const preparing: PodAction[] = facts.volumesReady ? [] : [{ do: 'prepare-volumes' }]
  if (!ready && steps.wanted) preparing.push({ do: 'create-sandbox', attempt: sandbox ? sandbox.attempt + 1 : 0 })
  const actions = steps.actions.filter((action) => action.do !== 'start-container' || (ready && facts.volumesReady))
  return [...clearing, ...preparing, ...actions]
}

/** Everything ran to its end and nothing restarts: what is left in the sandbox (sidecars) goes, then the sandbox. */
function planQuiet(pod: Pod, runtime: PodRuntime, facts: PodFacts, nowMs: number): PodAction[] {
  const kills = planKills(pod, runtime, facts, grace(pod), nowMs)
  if (kills.length > 0 || isStarting(facts)) return kills
  return runtime.sandboxes.flatMap((sandbox) => planOldSandbox(sandbox, runtime, facts, true))
}

/** A sandbox that was replaced, or died: its network is given back, then it is removed with its containers' records. */
function planOldSandbox(sandbox: RuntimeSandbox, runtime: PodRuntime, facts: PodFacts, keep: boolean): PodAction[] {
  if (!facts.stoppedSandboxes.has(sandbox.id)) return [{ do: 'stop-sandbox', id: sandbox.id }]
  if (keep || runtime.containers.some(({ sandboxId }) => sandboxId === sandbox.id)) return []
  return [{ do: 'remove-sandbox', id: sandbox.id }]
}

/** Of each name the newest container and the one before it are kept: the second one's logs answer `--previous`. */
function planHistory(runtime: PodRuntime): PodAction[] {
  const seen = new Map<string, number>()
  return runtime.containers.flatMap((container): PodAction[] => {
    const count = (seen.get(container.name) ?? 0) + 1
    seen.set(container.name, count)
    return count > 2 && container.state !== 'running' ? [{ do: 'remove-container', id: container.id }] : []
  })
}

interface ContainerSteps {
  actions: PodAction[]
  /** Something is still to be started, now or after a wait, so a sandbox is needed. */
  wanted: boolean
  /** Nothing runs and nothing will be started again. */
  done: boolean
}

type Verb =
  | { is: 'running' | 'over' }
  | { is: 'resize'; container: RuntimeContainer }
  | { is: 'start'; attempt: number; previous?: RuntimeContainer }
  | { is: 'kill'; container: RuntimeContainer; why: string; graceSeconds: number }

function planContainers(
  pod: Pod,
  runtime: PodRuntime,
  facts: PodFacts,
  nowMs: number,
  sandbox: RuntimeSandbox | undefined,
): ContainerSteps {
  const init = planInit(pod, runtime, facts, nowMs, sandbox)
  if (init.failed) return { actions: init.actions, wanted: false, done: init.actions.length === 0 }
  if (!init.complete) return { actions: init.actions, wanted: true, done: false }

  const regular = pod.spec.containers.map((container) => ({ container, verb: judge(pod, container, runtime, facts) }))
  const done = regular.every(({ verb }) => verb.is === 'over')
  if (done) return { actions: [], wanted: false, done }
  const ephemeral = (pod.spec.ephemeralContainers ?? [])
    .filter(({ name }) => sandbox && !newestContainer(runtime, name))
    .map((container) => ({ container: container as Container, verb: { is: 'start', attempt: 0 } as Verb }))
  const actions = [...init.actions, ...toActions(pod, [...regular, ...ephemeral], facts, nowMs)]
  const wanted = [...regular, ...ephemeral].some(({ verb }) => verb.is === 'start')
  return { actions, wanted, done }
}

/** Containers start in the order of the spec, one at a time: a postStart hook holds up those after it, as upstream. */
function toActions(pod: Pod, items: { container: Container; verb: Verb }[], facts: PodFacts, nowMs: number): PodAction[] {
  const actions: PodAction[] = []
  let starting = isStarting(facts)
  for (const { container, verb } of items) {
    if (verb.is === 'kill') actions.push(kill(verb.container, verb.graceSeconds, verb.why))
    if (verb.is === 'resize') actions.push({ do: 'resize-container', id: verb.container.id, container: container.name })
    if (verb.is !== 'start') continue
    const step = planStart(pod, container, verb, facts, nowMs)
    if (step.do === 'start-container') {
      if (starting) continue
      starting = true
    }
    actions.push(step)
  }
  return actions
}

function planStart(pod: Pod, container: Container, verb: Verb & { is: 'start' }, facts: PodFacts, nowMs: number): PodAction {
  const { name } = container
  const entry = facts.backoffs.get(name)
  // As upstream: a new image does not wait for the failures of the old one.
  const failed = verb.previous && !isChanged(container, verb.previous) ? verb.previous : undefined
  const untilMs = failed ? backoffUntil(entry, failed.finishedAtMs, nowMs) : 0
  if (untilMs && entry) {
    const podText = `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})`
    const message = `back-off ${formatDuration(entry.delayMs)} restarting failed container=${name} pod=${podText}`
    return { do: 'back-off', container: name, untilMs, message }
  }
  const image = facts.images.get(name)
  if (image?.failure && isAhead(image.failure.untilMs, nowMs)) return { do: 'wake', atMs: image.failure.untilMs }
  if (!image || image.failure) return { do: 'ensure-image', container: name }
  return { do: 'start-container', container: name, attempt: verb.attempt }
}

/** What one container needs, its restart policy considered. */
function judge(pod: Pod, container: Container, runtime: PodRuntime, facts: PodFacts): Verb {
  const current = newestContainer(runtime, container.name)
  if (!current) return { is: 'start', attempt: 0 }
  if (current.state === 'running') return judgeRunning(pod, container, current, facts)
  // Made but never started: an earlier kubelet died in between, or starting is what this worker does right now.
  if (current.state === 'created') return { is: 'start', attempt: current.attempt + 1 }
  if (current.state === 'unknown')
    return {
      is: 'kill',
      container: current,
      graceSeconds: grace(pod),
      why: `Container ${container.name} is in unknown state, try killing it before restart`,
    }
  if (!shouldRestart(pod, container, current.exitCode)) return { is: 'over' }
  return { is: 'start', attempt: current.attempt + 1, previous: current }
}

function judgeRunning(pod: Pod, container: Container, current: RuntimeContainer, facts: PodFacts): Verb {
  const fatal = facts.probes.get(current.id)?.fatal
  if (fatal) {
    const why = `Container ${container.name} failed ${fatal.probe} probe, will be restarted`
    return { is: 'kill', container: current, why, graceSeconds: fatal.graceSeconds ?? grace(pod) }
  }
  if (isChanged(container, current)) {
    const why = `Container ${container.name} definition changed, will be restarted`
    return { is: 'kill', container: current, why, graceSeconds: grace(pod) }
  }
  const resize = facts.resizeProblem ? 'none' : computeResize(container, facts.applied.get(current.id))
  if (resize === 'restart')
    return {
      is: 'kill',
      container: current,
      graceSeconds: grace(pod),
      why: `Container ${container.name} resize requires restart`,
    }
  return resize === 'in-place' ? { is: 'resize', container: current } : { is: 'running' }
}

interface InitSteps {
  actions: PodAction[]
  complete: boolean
  failed: boolean
}

/** Init containers run one after another in the current sandbox; sidecars among them need only have started. */
function planInit(pod: Pod, runtime: PodRuntime, facts: PodFacts, nowMs: number, sandbox: RuntimeSandbox | undefined): InitSteps {
  const inits = pod.spec.initContainers ?? []
  const here: PodRuntime = {
    sandboxes: runtime.sandboxes,
    containers: runtime.containers.filter(({ sandboxId }) => sandboxId === sandbox?.id),
  }
  const mainNames = new Set(pod.spec.containers.map(({ name }) => name))
  // Once a main container was made, the init containers are over for good, even if their records were collected.
  const pastInit = here.containers.some(({ name }) => mainNames.has(name)) || (!sandbox && mainContainersOver(pod, runtime))
  const actions: PodAction[] = []
  for (const [index, container] of inits.entries()) {
    const current = newestContainer(here, container.name)
    if (isSidecar(container)) {
      const verb = judge(pod, container, sidecarView(here, runtime, container), facts)
      actions.push(...toActions(pod, [{ container, verb }], facts, nowMs))
      const laterStarted = inits.slice(index + 1).some(({ name }) => newestContainer(here, name))
      if (!pastInit && !laterStarted && !sidecarStarted(container, current, facts))
        return { actions, complete: false, failed: false }
      continue
    }
    if (pastInit || (current?.state === 'exited' && current.exitCode === 0)) continue
    const verb: Verb = current
      ? judge(pod, container, here, facts)
      : { is: 'start', attempt: nextAttempt(runtime, container.name) }
    // An init container that failed for good fails the pod; one that runs holds up those after it.
    if (verb.is === 'over') return { actions: [], complete: false, failed: true }
    actions.push(...toActions(pod, [{ container, verb }], facts, nowMs))
    return { actions, complete: false, failed: false }
  }
  return { actions, complete: true, failed: false }
}

/** A sidecar of a dead sandbox is no sidecar of this one, but its attempts count on. */
function sidecarView(here: PodRuntime, all: PodRuntime, { name }: Container): PodRuntime {
  return newestContainer(here, name)
    ? here
    : { ...all, containers: all.containers.filter((c) => c.name === name && c.state === 'exited') }
}

const nextAttempt = (runtime: PodRuntime, name: string): number => (newestContainer(runtime, name)?.attempt ?? -1) + 1

const sidecarStarted = (container: Container, current: RuntimeContainer | undefined, facts: PodFacts): boolean =>
  current?.state === 'running' &&
  !facts.busy.has(`start/${container.name}`) &&
  (!container.startupProbe || facts.probes.get(current.id)?.startup === true)

const mainContainersOver = (pod: Pod, runtime: PodRuntime): boolean =>
  pod.spec.containers.every((container) => {
    const current = newestContainer(runtime, container.name)
    return current?.state === 'exited' && !shouldRestart(pod, container, current.exitCode)
  })

// ---- A pod that is to end

function planEnd(pod: Pod, runtime: PodRuntime, facts: PodFacts, nowMs: number): PodAction[] {
  if (isComingUp(facts)) return []
  const shortened = planShorterGrace(pod, runtime, facts, nowMs)
  const kills = planKills(pod, runtime, facts, endGrace(pod, facts), nowMs)
  if (kills.length > 0) return [...shortened, ...kills]
  const created = runtime.containers.filter(({ state }) => state === 'created')
  const stops: PodAction[] = [
    ...created.map(({ id }): PodAction => ({ do: 'remove-container', id })),
    ...runtime.sandboxes
      .filter(({ id }) => !facts.stoppedSandboxes.has(id))
      .map(({ id }): PodAction => ({ do: 'stop-sandbox', id })),
  ]
  if (stops.length > 0) return stops
  if (!facts.released) return [{ do: 'release' }]
  if (facts.gone) return planRemoval(runtime)
  return pod.metadata.deletionTimestamp && !facts.finished ? [{ do: 'finish' }] : planHistory(runtime)
}

function planRemoval(runtime: PodRuntime): PodAction[] {
  if (runtime.containers.length > 0) return runtime.containers.map(({ id }) => ({ do: 'remove-container', id }))
  if (runtime.sandboxes.length > 0) return runtime.sandboxes.map(({ id }) => ({ do: 'remove-sandbox', id }))
  return [{ do: 'forget' }]
}

/** Main containers end together; sidecars after them, the last one first. All share one grace period; after it nobody waits. */
function planKills(pod: Pod, runtime: PodRuntime, facts: PodFacts, graceSeconds: number, nowMs: number): PodAction[] {
  const active = activeContainers(runtime)
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
  const mains = active.filter(({ name }) => !sidecars.some((sidecar) => sidecar.name === name))
  const last = sidecars.findLast(({ name }) => active.some((container) => container.name === name))?.name
  const dueMs = (facts.endingSinceMs ?? nowMs) + graceSeconds * 1000
  const next = !isAhead(dueMs, nowMs) ? active : mains.length > 0 ? mains : active.filter(({ name }) => name === last)
  const left = Math.max(Math.min(minimumGrace, graceSeconds), Math.ceil((dueMs - nowMs) / 1000))
  const hooks = active
    .filter((container) => !next.includes(container) && !facts.preStopped.has(container.id))
    .filter(({ name }) => sidecars.some((sidecar) => sidecar.name === name && sidecar.lifecycle?.preStop))
  return [
    ...next.map((container) => kill(container, left, `Stopping container ${container.name}`, true)),
    ...hooks.map(({ id, name }): PodAction => ({ do: 'pre-stop', id, container: name, graceSeconds })),
    ...(next.length < active.length ? [{ do: 'wake' as const, atMs: dueMs }] : []),
  ]
}

/** A second delete with less grace cuts short what the first one had given. */
function planShorterGrace(pod: Pod, runtime: PodRuntime, facts: PodFacts, nowMs: number): PodAction[] {
  const deadlineMs = nowMs + grace(pod) * 1000
  return runtime.containers
    .filter(({ id, state }) => state === 'running' && (facts.killing.get(id) ?? 0) > deadlineMs + 1000)
    .map(({ id }) => ({ do: 'shorten-grace', id, graceSeconds: grace(pod) }))
}

const kill = (container: RuntimeContainer, graceSeconds: number, why: string, final = false): PodAction => ({
  do: 'kill-container',
  id: container.id,
  container: container.name,
  graceSeconds,
  why,
  ...(final ? { final } : {}),
})

/** A pod that the kubelet gave up on may get less. */
const endGrace = (pod: Pod, { verdict }: PodFacts): number => Math.min(grace(pod), verdict?.graceSeconds ?? Infinity)

function grace(pod: Pod): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
}

/** Every container that the spec names, init ones first. */
export const findContainer = (pod: Pod, name: string): Container | undefined =>
  containersOf(pod).find((container) => container.name === name)
