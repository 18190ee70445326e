/** postStart and preStop: what a container asked to be done right after its start and right before its end. */
import type { Container, LifecycleHandler } from '../../api/generated/types.ts'
import type { Clock } from '../../component/clock.ts'
import type { runProbe } from '../probes/probe-action.ts'
import type { Cri } from '../runtime/cri-client.ts'

export interface HookTarget {
  container: Container
  containerId: string
  podIp: string
  cri: Cri
  probe: typeof runProbe
  clock: Clock
}

/** Answers why the hook failed, or null. */
export async function runHook(handler: LifecycleHandler, target: HookTarget, timeoutMs: number): Promise<string | null> {
  if (handler.sleep) {
    await target.clock.sleep(Math.min(handler.sleep.seconds * 1000, timeoutMs))
    return null
  }
  const { httpGet, exec, tcpSocket } = handler
  if (!httpGet) return target.probe({ exec, tcpSocket }, target, timeoutMs)
  const failure = await target.probe({ httpGet }, target, timeoutMs)
  // Any answer of the server will do: unlike a probe, a hook asks for no status code.
  return failure?.startsWith('HTTP probe failed') ? null : failure
}
