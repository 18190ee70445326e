/** Ends one container: its preStop hook, its stop signal, and when its time is over SIGKILL. */
import type { Container, LifecycleHandler, Pod } from '../../api/generated/types.ts'
import { runHook } from './container-hooks.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import { ignoreMissing } from '../runtime/cri-client.ts'

export interface KillRequest {
  pod: Pod
  container: Container | undefined
  /** What is to run in it before. */
  hook: LifecycleHandler | undefined
  containerId: string
  podIp: string
  graceSeconds: number
}

/** Upstream leaves the stop signal this much, however long the hook took. */
const minimumSeconds = 2

export async function killContainer(request: KillRequest, context: KubeletContext): Promise<void> {
  const { cri, clock } = context
  const startedMs = clock.now().getTime()
  if (request.graceSeconds > 0) await runPreStop(request, context)
  const spent = (clock.now().getTime() - startedMs) / 1000
  const left = request.graceSeconds === 0 ? 0 : Math.max(minimumSeconds, Math.ceil(request.graceSeconds - spent))
  await stopContainer(cri, request.containerId, left)
}

export async function stopContainer(cri: KubeletContext['cri'], containerId: string, timeout: number): Promise<void> {
  await ignoreMissing(cri.call('StopContainer', { containerId, timeout }, { timeoutMs: (timeout + 120) * 1000 }))
}

export async function runPreStop(
  { pod, container, hook, containerId, podIp, graceSeconds }: KillRequest,
  context: KubeletContext,
): Promise<void> {
  if (!container || !hook) return
  const target = { container, containerId, podIp, cri: context.cri, probe: context.platform.probe, clock: context.clock }
  const failure = await Promise.race([
    runHook(hook, target, graceSeconds * 1000),
    context.clock.sleep(graceSeconds * 1000).then(() => 'it took longer than the grace period'),
  ])
  if (failure !== null) context.events.container(pod, container, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
}
