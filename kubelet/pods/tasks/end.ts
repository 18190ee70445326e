/** The end of a container, of its own or with its pod: hook, signal, SIGKILL; and what is left of it on disk. */
import { rm } from 'node:fs/promises'
import { killContainer, type KillRequest, runPreStop, stopContainer } from '../../containers/kill-container.ts'
import { findContainer } from '../plan-pod.ts'
import { ignoreMissing } from '../../runtime/cri-client.ts'
import { nowMs, podIps, type PodScope } from './pod-scope.ts'

export async function kill(scope: PodScope, id: string, name: string, graceSeconds: number, why: string): Promise<void> {
  const { state, context, hooks } = scope
  state.killing.set(id, nowMs(scope) + graceSeconds * 1000)
  context.events.container(state.pod, { name }, 'Normal', 'Killing', why)
  await killContainer(toKillRequest(scope, id, name, graceSeconds), context)
  state.killing.delete(id)
  hooks.runtimeChanged()
}

/** Before its turn to end has come: then it is not run again. */
export async function preStop(scope: PodScope, id: string, name: string, graceSeconds: number): Promise<void> {
  const request = toKillRequest(scope, id, name, graceSeconds)
  scope.state.preStopped.add(id)
  await runPreStop(request, scope.context)
}

export async function shortenGrace(scope: PodScope, id: string, graceSeconds: number): Promise<void> {
  scope.state.killing.set(id, nowMs(scope) + graceSeconds * 1000)
  await stopContainer(scope.context.cri, id, graceSeconds)
}

export async function removeContainer({ state, context, hooks }: PodScope, containerId: string): Promise<void> {
  const container = state.runtime.containers.find(({ id }) => id === containerId)
  await ignoreMissing(context.cri.call('RemoveContainer', { containerId }))
  if (container) {
    await rm(context.paths.logLink(state.pod, container.name, containerId), { force: true })
    if (container.logPath && !state.gone) await rm(container.logPath, { force: true })
  }
  hooks.runtimeChanged()
}

function toKillRequest(scope: PodScope, id: string, name: string, graceSeconds: number): KillRequest {
  const { pod, preStopped } = scope.state
  const container = findContainer(pod, name)
  const hook = preStopped.has(id) ? undefined : container?.lifecycle?.preStop
  return { pod, container, hook, containerId: id, podIp: podIps(scope)[0] ?? '127.0.0.1', graceSeconds }
}
