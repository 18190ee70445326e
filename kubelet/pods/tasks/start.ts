/** The start of a container, when its turn has come: counts restarts towards their back-off, and keeps why it did not start. */
import type { EnvSources } from '../../containers/env.ts'
import { startContainer, StartError } from '../../containers/start-container.ts'
import { findContainer } from '../plan-pod.ts'
import { nextBackoff } from '../restart-backoff.ts'
import { isChanged } from '../../runtime/labels.ts'
import { newestContainer } from '../../runtime/pod-runtime.ts'
import { nowMs, podIps, type PodScope, retryMs, sandboxConfig } from './pod-scope.ts'

export async function start(scope: PodScope, name: string, attempt: number): Promise<void> {
  const { state, context, hooks, volumes } = scope
  const container = findContainer(state.pod, name)
  const sandbox = state.runtime.sandboxes[0]
  const image = state.images.get(name)
  if (!container || !sandbox || !image) return
  const previous = newestContainer(state.runtime, name)
  if (previous?.state === 'exited') {
    const entry = isChanged(container, previous) ? undefined : state.backoffs.get(name)
    state.backoffs.set(name, nextBackoff(entry, previous.finishedAtMs, nowMs(scope)))
  }
  let told = false
  const target = state.pod.spec.ephemeralContainers?.find((candidate) => candidate.name === name)?.targetContainerName
  try {
    await startContainer(
      {
        pod: state.pod,
        container,
        attempt,
        sandboxId: sandbox.id,
        sandboxConfig: sandboxConfig(scope, sandbox.attempt),
        podIps: podIps(scope),
        image,
        volumes: volumes.places(),
        envSources: await toEnvSources(scope),
        targetContainerId: target ? newestContainer(state.runtime, target)?.id : undefined,
      },
      context,
      (id) => {
        state.applied.set(id, container.resources ?? {})
        state.waiting.delete(name)
        told = true
        hooks.containerMade(id, sandbox.id)
      },
    )
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    state.waiting.set(name, error.waiting)
    if (error.waiting.reason.startsWith('CreateContainer')) state.notBefore.set(`start/${name}`, nowMs(scope) + retryMs)
  } finally {
    // A policy of Always asks again before each start.
    state.images.delete(name)
    // Without a hook nothing has changed since the start was told.
    if (!told || container.lifecycle?.postStart) hooks.runtimeChanged()
  }
}

async function toEnvSources(scope: PodScope): Promise<EnvSources> {
  const { state, context } = scope
  await state.objects.whenKnown()
  return {
    configMap: (name) => state.objects.configMap(name)?.peek(),
    secret: (name) => state.objects.secret(name)?.peek(),
    services: await context.services(state.pod.metadata.namespace ?? ''),
    addresses: { podIps: podIps(scope), hostIps: context.nodeIps },
    allocatable: context.allocatable,
  }
}
