/** A pod's volumes: set up before its containers, written again when what they show has changed. */
import { mkdir } from 'node:fs/promises'
import { messageOf } from '../../../api/error-message.ts'
import { containersOf, podText } from '../pod-spec.ts'
import { ImageVolumeError } from '../../volumes/image.ts'
import type { VolumeContext } from '../../volumes/volume-kind.ts'
import { nowMs, podIps, type PodScope, pullSecrets, retryMs } from './pod-scope.ts'

/** As upstream's worker after an error; what can get better by itself is asked sooner. */
const volumeRetry = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 122_000]

export async function prepareVolumes(scope: PodScope): Promise<void> {
  const { state, context, volumes } = scope
  try {
    await mkdir(context.paths.podDirectory(state.pod.metadata.uid), { recursive: true })
    await volumes.setUp(toVolumeContext(scope))
    state.volumesReady = true
  } catch (error) {
    if (error instanceof ImageVolumeError) return waitForImageVolume(scope, error)
    const message = messageOf(error)
    context.events.pod(state.pod, 'Warning', 'FailedMount', message)
    state.notBefore.set('volumes', nowMs(scope) + (volumeRetry[scope.volumeFailures++] ?? volumeRetry.at(-1)!))
  }
}

/** Tries again until it succeeds, or the volumes are given back. */
export function refreshVolumes(scope: PodScope): void {
  const { state, context, volumes } = scope
  if (!state.volumesReady || state.released) return
  volumes.refresh(toVolumeContext(scope)).catch((error: unknown) => {
    // Objects of a namespace that is being deleted go before its pods do.
    const level = state.pod.metadata.deletionTimestamp ? 'debug' : 'warn'
    context.logger[level]('cannot refresh volumes', { pod: podText(state.pod), error: String(error) })
    context.clock.setTimeout(() => refreshVolumes(scope), retryMs)
  })
}

/** What mounts an image that cannot be had waits as a container of that image would. */
function waitForImageVolume({ state }: PodScope, { volume, failure }: ImageVolumeError): void {
  for (const { name, volumeMounts } of containersOf(state.pod))
    if (volumeMounts?.some((mount) => mount.name === volume)) state.waiting.set(name, failure)
  state.notBefore.set('volumes', failure.untilMs)
}

function toVolumeContext(scope: PodScope): VolumeContext {
  const { state, context, tokens, pulls } = scope
  return {
    pod: state.pod,
    paths: context.paths,
    mounts: context.platform.mounts,
    images: context.platform.images,
    ensureImage: async (name, image, imagePullPolicy) =>
      context.images.ensure(state.pod, { name, image, imagePullPolicy }, await pullSecrets(scope), pulls.signal),
    configMap: (name) => state.objects.configMap(name)!.get(),
    secret: (name) => state.objects.secret(name)!.get(),
    token: (request) => tokens.get(state.pod, request),
    allocatable: context.allocatable,
    addresses: { podIps: podIps(scope), hostIps: context.nodeIps },
    client: context.client,
  }
}
