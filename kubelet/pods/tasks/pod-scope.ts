/** What the tasks of one pod share: what is known of it, what they act through, and what they derive from both. */
import type { Secret } from '../../../api/generated/types.ts'
import type { KubeletContext } from '../../kubelet-context.ts'
import { isHostNetwork } from '../pod-spec.ts'
import type { PodState } from '../pod-state.ts'
import type { PodSandboxConfig } from '../../runtime/cri-types.ts'
import { toSandboxConfig } from '../../runtime/sandbox-config.ts'
import { createPodTokens, type PodTokens } from '../../tokens.ts'
import { createPodVolumes, type PodVolumes } from '../../volumes/pod-volumes.ts'

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
