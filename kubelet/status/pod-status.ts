/** Pure: the PodStatus that tells what the runtime holds and the worker knows of a pod, worded as upstream words it. */
import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  PodStatus,
  ResourceRequirements,
  VolumeMountStatus,
} from '../../api/generated/types.ts'
import { computeConditions, computeDisruption, computeResizeConditions } from './pod-conditions.ts'
import { isComingUp, type PodFacts } from '../pods/pod-facts.ts'
import { computePhase } from './pod-phase.ts'
import { isHostNetwork, isTerminal, shouldRestart } from '../pods/pod-spec.ts'
import { computeQosClass } from '../qos.ts'
import { activeContainers, type PodRuntime, type RuntimeContainer } from '../runtime/pod-runtime.ts'

export interface NodeFacts {
  hostIps: readonly string[]
}

const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

export function computePodStatus(pod: Pod, runtime: PodRuntime, facts: PodFacts, node: NodeFacts, nowMs: number): PodStatus {
  const { spec } = pod
  const inits = spec.initContainers ?? []
  const statusOf = (list: readonly Container[], old: ContainerStatus[] | undefined, waiting: string) =>
    list.map((container) => toContainerStatus(pod, container, runtime, facts, old, waiting))
  const statuses = {
    init: statusOf(inits, pod.status?.initContainerStatuses, 'PodInitializing'),
    main: statusOf(spec.containers, pod.status?.containerStatuses, inits.length > 0 ? 'PodInitializing' : 'ContainerCreating'),
    ephemeral: statusOf(
      (spec.ephemeralContainers ?? []) as Container[],
      pod.status?.ephemeralContainerStatuses,
      'ContainerCreating',
    ),
  }
  const phase = decidePhase(pod, runtime, facts, statuses)
  const sandbox = runtime.sandboxes[0]
  const ips = isHostNetwork(pod) ? (sandbox ? node.hostIps : []) : (sandbox?.ips ?? [])
  const keptIps = ips.length > 0 ? ips.map((ip) => ({ ip })) : pod.status?.podIPs
  const verdict = facts.verdict
  // Of a pod that was turned away before anything of it was made there are no containers to tell of.
  const hasContainers = !verdict?.rejected || runtime.containers.length > 0
  const status: PodStatus = {
    observedGeneration: pod.metadata.generation,
    phase,
    conditions: [
      ...computeConditions(pod, statuses, phase, sandbox?.ready === true && ips.length > 0, time(nowMs)),
      ...computeResizeConditions(pod, facts, time(nowMs)),
      ...computeDisruption(pod, facts, time(nowMs)),
    ],
    ...(verdict
      ? { reason: verdict.reason, message: verdict.message }
      : { reason: pod.status?.reason, message: pod.status?.message }),
    hostIP: node.hostIps[0],
    hostIPs: node.hostIps.map((ip) => ({ ip })),
    podIP: keptIps?.[0]?.ip,
    podIPs: keptIps,
    startTime: pod.status?.startTime ?? time(facts.startedMs),
    initContainerStatuses: hasContainers && statuses.init.length > 0 ? statuses.init : undefined,
    containerStatuses: hasContainers ? statuses.main : undefined,
    ephemeralContainerStatuses: statuses.ephemeral.length > 0 ? statuses.ephemeral : undefined,
    qosClass: pod.status?.qosClass ?? computeQosClass(pod),
  }
  return JSON.parse(JSON.stringify(status)) as PodStatus
}

/** A phase once Succeeded or Failed stays; a pod on its way out gets one only when nothing of it runs any more, or is about to. */
function decidePhase(
  pod: Pod,
  runtime: PodRuntime,
  facts: PodFacts,
  statuses: { init: ContainerStatus[]; main: ContainerStatus[] },
): string {
  if (isTerminal(pod)) return pod.status!.phase!
  const active = activeContainers(runtime).length > 0 || isComingUp(facts)
  if (facts.verdict) return active ? (pod.status?.phase ?? 'Pending') : facts.verdict.phase
  const ending = pod.metadata.deletionTimestamp !== undefined || facts.gone
  return computePhase(pod, statuses, ending && !active)
}

function toContainerStatus(
  pod: Pod,
  container: Container,
  runtime: PodRuntime,
  facts: PodFacts,
  old: ContainerStatus[] | undefined,
  defaultWaiting: string,
): ContainerStatus {
  const [current, previous] = runtime.containers.filter(({ name }) => name === container.name)
  const before = old?.find(({ name }) => name === container.name)
  const base = {
    name: container.name,
    ready: false,
    started: false,
    image: container.image ?? '',
    imageID: '',
    ...resourcesOf(container, current && facts.applied.get(current.id)),
  }
  const waiting = facts.waiting.get(container.name)
  if (!current) {
    const lost = lostContainer(pod, before, facts)
    if (lost) return { ...base, ...lost }
    const state = { waiting: waiting ? withText(waiting) : { reason: defaultWaiting } }
    return { ...base, restartCount: before?.restartCount ?? 0, lastState: before?.lastState ?? {}, state }
  }
  const identity = {
    restartCount: current.attempt,
    containerID: `containerd://${current.id}`,
    image: current.image || (container.image ?? ''),
    imageID: current.imageRef,
  }
  const held = current.state === 'exited' && waiting && shouldRestart(pod, container, current.exitCode) && !isEnding(pod, facts)
  if (held) return { ...base, ...identity, state: { waiting: withText(waiting) }, lastState: stateOf(current) }
  const started = current.state === 'running' && isStarted(container, current, facts)
  return {
    ...base,
    ...identity,
    state: current.state === 'created' ? { waiting: waiting ? withText(waiting) : { reason: defaultWaiting } } : stateOf(current),
    lastState: previous ? stateOf(previous) : {},
    started,
    ready: isReady(pod, container, current, facts, started),
  }
}

const isEnding = (pod: Pod, facts: PodFacts): boolean =>
  pod.metadata.deletionTimestamp !== undefined || facts.verdict !== undefined

const isStarted = (container: Container, current: RuntimeContainer, facts: PodFacts): boolean =>
  !container.startupProbe || facts.probes.get(current.id)?.startup === true

/** An init container is ready when it succeeded; the others while they run and their readiness probe agrees. */
function isReady(pod: Pod, container: Container, current: RuntimeContainer, facts: PodFacts, started: boolean): boolean {
  const isPlainInit = container.restartPolicy !== 'Always' && pod.spec.initContainers?.includes(container)
  if (isPlainInit) return current.state === 'exited' && current.exitCode === 0
  return started && (!container.readinessProbe || facts.probes.get(current.id)?.readiness === true)
}

/** The API knows of a container that the runtime has lost: it ended, and how is not known any more. */
function lostContainer(
  pod: Pod,
  before: ContainerStatus | undefined,
  facts: PodFacts,
): (Partial<ContainerStatus> & { restartCount: number }) | undefined {
  if (!before?.containerID) return undefined
  const { restartCount, containerID, image, imageID } = before
  const state: ContainerState = before.state?.terminated
    ? before.state
    : {
        terminated: {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
        },
      }
  if (!isEnding(pod, facts) && !isTerminal(pod) && !before.state?.terminated) return undefined
  return {
    restartCount,
    containerID,
    image,
    imageID,
    state,
    lastState: before.lastState ?? {},
    ready: before.ready && !before.state?.running,
    started: false,
  }
}

const withText = ({ reason, message }: { reason: string; message: string }) => (message ? { reason, message } : { reason })

function stateOf(container: RuntimeContainer): ContainerState {
  if (container.state === 'running') return { running: { startedAt: time(container.startedAtMs) } }
  if (container.state === 'created') return { waiting: { reason: 'ContainerCreating' } }
  return { terminated: terminatedOf(container) }
}

function terminatedOf(container: RuntimeContainer): ContainerStateTerminated {
  const { exitCode, reason, message, startedAtMs, finishedAtMs, id } = container
  return {
    exitCode,
    // CRI leaves the reason out for an end that it did not judge.
    reason: reason || (exitCode === 0 ? 'Completed' : 'Error'),
    ...(message ? { message } : {}),
    startedAt: time(startedAtMs),
    finishedAt: time(finishedAtMs),
    containerID: `containerd://${id}`,
  }
}

function resourcesOf(container: Container, applied: ResourceRequirements | undefined): Partial<ContainerStatus> {
  const { requests, limits } = applied ?? container.resources ?? {}
  const mounts = (container.volumeMounts ?? []).map(({ mountPath, name, readOnly }): VolumeMountStatus => ({
    mountPath,
    name,
    ...(readOnly ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
  }))
  return {
    ...(requests ? { allocatedResources: requests } : {}),
    ...(requests || limits
      ? { resources: { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) } }
      : { resources: {} }),
    ...(mounts.length > 0 ? { volumeMounts: mounts } : {}),
  }
}
