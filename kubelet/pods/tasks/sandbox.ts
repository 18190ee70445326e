/** A pod's sandbox: made, stopped, removed. */
import { mkdir } from 'node:fs/promises'
import { ignoreMissing, runtimeMessage } from '../../runtime/cri-client.ts'
import { nowMs, type PodScope, sandboxConfig } from './pod-scope.ts'

const sandboxRetryMs = 5_000

export async function createSandbox(scope: PodScope, attempt: number): Promise<void> {
  const { state, context, hooks } = scope
  const { cri, events, cgroups } = context
  try {
    if (attempt > 0) events.pod(state.pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
    cgroups.create(state.pod)
    const config = sandboxConfig(scope, attempt)
    const runtimeHandler = await context.runtimeHandler(state.pod.spec.runtimeClassName)
    await mkdir(config.logDirectory, { recursive: true })
    const run = () => cri.call('RunPodSandbox', { config, runtimeHandler }, { timeoutMs: 240_000 })
    hooks.sandboxMade((await context.sandboxLimit(run)).podSandboxId)
  } catch (error) {
    events.pod(state.pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${runtimeMessage(error)}`)
    state.notBefore.set('sandbox', nowMs(scope) + sandboxRetryMs)
    hooks.runtimeChanged()
  }
}

export async function stopSandbox({ state, context, hooks }: PodScope, podSandboxId: string): Promise<void> {
  await ignoreMissing(context.cri.call('StopPodSandbox', { podSandboxId }))
  state.stoppedSandboxes.add(podSandboxId)
  hooks.runtimeChanged()
}

export async function removeSandbox({ context, hooks }: PodScope, podSandboxId: string): Promise<void> {
  await ignoreMissing(context.cri.call('RemovePodSandbox', { podSandboxId }))
  hooks.runtimeChanged()
}
