/** What the tasks of one pod share: what is known of it, what it runs on, and what they derive from both. */
import type { Pod, ResourceRequirements, Secret } from '../../api/generated/types.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import type { ImageFact, ProbeFacts, RestartBackoff, Verdict, Waiting } from '../pod-facts.ts'
import type { PodObjects } from '../objects/pod-objects.ts'
import { isHostNetwork } from '../pod-spec.ts'
import type { ResizeProblem } from '../resize.ts'
import type { PodSandboxConfig } from '../runtime/cri-types.ts'
import { emptyRuntime, type PodRuntime } from '../runtime/pod-runtime.ts'
import { toSandboxConfig } from '../runtime/sandbox-config.ts'
import { createPodTokens, type PodTokens } from '../tokens.ts'
import { createPodVolumes, type PodVolumes } from '../volumes/pod-volumes.ts'

/** What the worker and its tasks share of one pod. */
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

export interface TaskHooks {
  wake(): void
  /** The runtime may hold something else now. */
  runtimeChanged(): void
  /** The runtime holds this one more. */
  sandboxMade(id: string): void
  containerMade(id: string, sandboxId: string): void
}

export interface PodScope {
  state: PodState
  context: KubeletContext
  hooks: TaskHooks
  volumes: PodVolumes
  /** How often in a row they could not be set up. */
  volumeFailures: number
  tokens: PodTokens
  /** Ends what is being pulled for the pod. */
  pulls: AbortController
}

/** How long a task that failed waits, where nothing else is said. */
export const retryMs = 10_000

export const createPodScope = (state: PodState, context: KubeletContext, hooks: TaskHooks): PodScope => ({
  state,
  context,
  hooks,
  volumes: createPodVolumes(context.clock),
  volumeFailures: 0,
  tokens: createPodTokens(context.client, context.clock),
  pulls: new AbortController(),
})

export const nowMs = ({ context }: PodScope): number => context.clock.now().getTime()

export const podIps = ({ state, context }: PodScope): readonly string[] =>
  isHostNetwork(state.pod) ? context.nodeIps : (state.runtime.sandboxes[0]?.ips ?? [])

export function sandboxConfig({ state: { pod }, context }: PodScope, attempt: number): PodSandboxConfig {
  const { uid, namespace = '', name } = pod.metadata
  return toSandboxConfig(pod, {
    attempt,
    cgroupParent: context.cgroups.parentOf(pod),
    logDirectory: context.paths.podLogDirectory({ namespace, name, uid }),
    dns: context.dns(),
  })
}

export async function pullSecrets({ state: { objects, pod } }: PodScope): Promise<Secret[]> {
  await objects.whenKnown()
  const secrets = (pod.spec.imagePullSecrets ?? []).map(({ name = '' }) => objects.secret(name)?.peek())
  return secrets.filter((secret): secret is Secret => secret !== undefined)
}
