/** Gets the image of a container onto the node by its pull policy; waits longer after each failure, as upstream. */
import type { Container, Pod, Secret } from '../../api/generated/types.ts'
import type { Clock } from '../../component/clock.ts'
import type { ImageFact } from '../pod-facts.ts'
import type { PodEvents } from '../pod-events.ts'
import { type Cri, runtimeMessage } from '../runtime/cri-client.ts'
import type { Image } from '../runtime/cri-types.ts'
import { decidePull } from './pull-policy.ts'
import { findCredentials } from './pull-secrets.ts'

export interface ImagePuller {
  /** Never rejects for the image's sake: a failure is in the answer, with the time to try again. */
  ensure(pod: Pod, container: Container, secrets: readonly Secret[], signal: AbortSignal): Promise<ImageFact>
  /** Forgets how often a container's image has failed. */
  forget(pod: Pod): void
}

const initialDelayMs = 10_000
const maxDelayMs = 300_000
const pullTimeoutMs = 3_600_000

export function createImagePuller({ cri, clock, events }: { cri: Cri; clock: Clock; events: PodEvents }): ImagePuller {
  /** By pod UID and image. */
  const failures = new Map<string, { delayMs: number }>()
  const running = new Map<string, Promise<void>>()

  const find = async (image: string): Promise<Image | null> => (await cri.call('ImageStatus', { image: { image } })).image

  /** Several pods that want one image share its pull, as far as their credentials do. */
  async function pull(image: string, secrets: readonly Secret[], signal: AbortSignal): Promise<void> {
    const credentials = findCredentials(image, secrets)
    const key = `${image} ${JSON.stringify(credentials)}`
    const shared = running.get(key) ?? tryEach(image, credentials, signal).finally(() => running.delete(key))
    running.set(key, shared)
    await shared
  }

  async function tryEach(image: string, credentials: ReturnType<typeof findCredentials>, signal: AbortSignal): Promise<void> {
    let failure: unknown
    for (const auth of credentials.length > 0 ? credentials : [undefined]) {
      try {
        await cri.call('PullImage', { image: { image }, ...(auth ? { auth } : {}) }, { timeoutMs: pullTimeoutMs, signal })
        return
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  function fail(key: string, reason: string, message: string): ImageFact {
    const delayMs = Math.min(maxDelayMs, (failures.get(key)?.delayMs ?? initialDelayMs / 2) * 2)
    failures.set(key, { delayMs })
    return { failure: { reason, message, untilMs: clock.now().getTime() + delayMs } }
  }

  return {
    forget({ metadata }) {
      for (const key of failures.keys()) if (key.startsWith(`${metadata.uid} `)) failures.delete(key)
    },
    async ensure(pod, container, secrets, signal) {
      const image = container.image ?? ''
      const key = `${pod.metadata.uid} ${image}`
      const event = (type: 'Normal' | 'Warning', reason: string, message: string) =>
        events.container(pod, container, type, reason, message)
      let present = await find(image)
      const decision = decidePull(image, container.imagePullPolicy, present)
      if (!decision.pull && decision.refuse) {
        event('Warning', 'ErrImageNeverPull', decision.refuse)
        event('Warning', 'Failed', 'Error: ErrImageNeverPull')
        return fail(key, 'ErrImageNeverPull', decision.refuse)
      }
      if (decision.pull) {
        const startedMs = clock.now().getTime()
        event('Normal', 'Pulling', `Pulling image "${image}"`)
        try {
          await pull(image, secrets, signal)
          present = await find(image)
        } catch (error) {
          const message = runtimeMessage(error)
          event('Warning', 'Failed', `Failed to pull image "${image}": ${message}`)
          event('Warning', 'Failed', 'Error: ErrImagePull')
          return fail(key, 'ErrImagePull', message)
        }
        const took = `${((clock.now().getTime() - startedMs) / 1000).toFixed(3)}s`
        event(
          'Normal',
          'Pulled',
          `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${present?.size ?? 0} bytes.`,
        )
      } else event('Normal', 'Pulled', `Container image "${image}" already present on machine`)
      failures.delete(key)
      if (!present) return fail(key, 'ErrImagePull', `image "${image}" is not there after its pull`)
      return { imageRef: present.id, user: { uid: present.uid?.value, name: present.username || undefined } }
    },
  }
}
