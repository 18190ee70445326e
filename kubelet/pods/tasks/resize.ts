/** Gives a running container the resources that its spec has now. */
import { quantityValue } from '../../../api/quantity.ts'
import { toContainerResources } from '../../cgroups.ts'
import { findContainer } from '../plan-pod.ts'
import { runtimeMessage } from '../../runtime/cri-client.ts'
import { nowMs, type PodScope, retryMs } from './pod-scope.ts'

export async function resize(scope: PodScope, id: string, name: string): Promise<void> {
  const { state, context } = scope
  const { cri, cgroups, events } = context
  const container = findContainer(state.pod, name)
  if (!container) return
  // A group may not have less than what is in it: what grows grows from the outside, what shrinks from the inside.
  cgroups.raise(state.pod)
  const linux = toContainerResources(state.pod, container, context.memoryCapacity)
  try {
    await refuseTooSmall(scope, id, name, linux.memoryLimitInBytes)
    await cri.call('UpdateContainerResources', { containerId: id, linux })
  } catch (error) {
    const message = runtimeMessage(error)
    if (message !== state.resizeError) events.pod(state.pod, 'Warning', 'ResizeError', `Pod resize error: ${message}`)
    state.resizeError = message
    state.notBefore.set(`resize/${id}`, nowMs(scope) + retryMs)
    return
  }
  state.resizeError = undefined
  cgroups.create(state.pod)
  state.applied.set(id, container.resources ?? {})
  events.container(state.pod, container, 'Normal', 'ResizeCompleted', `Container ${name} resized`)
}

/** The kernel would end the container instead. */
async function refuseTooSmall({ state, context }: PodScope, containerId: string, name: string, limit: number): Promise<void> {
  const before = quantityValue(state.applied.get(containerId)?.limits?.memory ?? '0')
  if (limit === 0 || (before > 0 && limit >= before)) return
  const { stats } = await context.cri.call('ListContainerStats', { filter: { id: containerId } })
  const used = stats[0]?.memory?.workingSetBytes?.value ?? 0
  if (used > limit)
    throw new Error(`attempting to set container ${JSON.stringify(name)} memory limit (${limit}) below current usage (${used})`)
}
