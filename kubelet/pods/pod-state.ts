/** What a worker and its tasks know of one pod, and what of it outlives a newer version of the pod. */
import type { Pod, ResourceRequirements } from '../../api/generated/types.ts'
import type { PodObjects } from '../objects/pod-objects.ts'
import type { ImageFact, ProbeFacts, RestartBackoff, Verdict, Waiting } from './pod-facts.ts'
import { containersOf } from './pod-spec.ts'
import { isResized, type ResizeProblem } from './resize.ts'
import { emptyRuntime, newestContainer, type PodRuntime } from '../runtime/pod-runtime.ts'

export interface PodState {
  pod: Pod
  runtime: PodRuntime
  objects: PodObjects
  busy: Set<string>
  notBefore: Map<string, number>
  images: Map<string, ImageFact>
  volumesReady: boolean
  waiting: Map<string, Waiting>
  backoffs: Map<string, RestartBackoff>
  killing: Map<string, number>
  endingSinceMs: number | undefined
  preStopped: Set<string>
  stoppedSandboxes: Set<string>
  released: boolean
  gone: boolean
  finished: boolean
  verdict: Verdict | undefined
  /** What each container runs with, by its id. */
  applied: Map<string, ResourceRequirements>
  resizeProblem: ResizeProblem | undefined
  resizeError: string | undefined
  startedMs: number
  probes: () => ReadonlyMap<string, ProbeFacts>
}

/** Of a pod that was not looked at yet. */
export const createPodState = (pod: Pod, objects: PodObjects, probes: PodState['probes'], now: Date): PodState => ({
  pod,
  runtime: emptyRuntime,
  objects,
  busy: new Set(),
  notBefore: new Map(),
  images: new Map(),
  volumesReady: false,
  waiting: new Map(),
  backoffs: new Map(),
  killing: new Map(),
  endingSinceMs: undefined,
  preStopped: new Set(),
  stoppedSandboxes: new Set(),
  released: false,
  gone: false,
  finished: false,
  verdict: undefined,
  applied: new Map(),
  resizeProblem: undefined,
  resizeError: undefined,
  startedMs: pod.status?.startTime ? Date.parse(pod.status.startTime) : now.getTime(),
  probes,
})

/** A newer version of the pod. */
export function takeVersion(state: PodState, pod: Pod): void {
  // What was refused before is another wish now.
  if (pod.metadata.generation !== state.pod.metadata.generation)
    for (const key of state.notBefore.keys()) if (key.startsWith('resize/')) state.notBefore.delete(key)
  // What is known of the image of before, or holds up its next pull, says nothing of the new one.
  for (const { name, image } of containersOf(pod))
    if (containersOf(state.pod).some((old) => old.name === name && old.image !== image)) state.images.delete(name)
  state.pod = pod
}

/** What the runtime holds now. */
export function takeRuntime(state: PodState, runtime: PodRuntime): void {
  state.runtime = runtime
  for (const { id, name, state: now } of runtime.containers)
    if (now === 'running' && !state.applied.has(id)) state.applied.set(id, knownResources(state.pod, id, name))
}

/** Whether a container runs with other resources than its spec asks for. */
export const awaitsResize = ({ pod, runtime, applied }: PodState): boolean =>
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
