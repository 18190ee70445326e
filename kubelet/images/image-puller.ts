/** Gets the image of a container onto the node by its pull policy; waits longer after each failure, as upstream. */
import { messageOf } from '../../api/error-message.ts'
import { formatDuration } from '../../api/duration.ts'
import type { Container, Pod, Secret } from '../../api/generated/types.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import type { EventType, PodEvents } from '../pods/pod-events.ts'
import type { ImageFact } from '../pods/pod-facts.ts'
import type { ImageContent } from '../runtime/containerd-content.ts'
import type { Cri } from '../runtime/cri-client.ts'
import type { Image } from '../runtime/cri-types.ts'
import { checkImageName, fullRepositoryOf } from './image-name.ts'
import { decidePull } from './pull-policy.ts'
import { reportProgress } from './pull-progress.ts'
import { createSharedPulls } from './shared-pulls.ts'

export interface ImagePuller {
  /** Never rejects for the image's sake: a failure is in the answer, with the time to try again. */
  ensure(pod: Pod, container: Container, secrets: readonly Secret[], signal: AbortSignal): Promise<ImageFact>
  /** Forgets how often a container's image has failed. */
  forget(pod: Pod): void
}

const initialDelayMs = 10_000
const maxDelayMs = 300_000

export interface ImagePullerOptions {
  cri: Cri
  content: ImageContent
  clock: Clock
  logger: Logger
  events: PodEvents
  /** How many images are fetched at once; 0 is no bound. */
  maxParallelPulls?: number | undefined
  /** A pull that takes longer than this tells how far it is. */
  progressAfterMs?: number | undefined
}

type Tell = (type: EventType, reason: string, message: string) => void

export function createImagePuller(options: ImagePullerOptions): ImagePuller {
  const { cri, content, clock, logger, events, progressAfterMs = 10_000 } = options
  const pulls = createSharedPulls(cri, clock, options.maxParallelPulls)
  const backoff = createPullBackoff(clock)
  const find = async (image: string): Promise<Image | null> => (await cri.call('ImageStatus', { image: { image } })).image

  /** Answers why it failed, or undefined. */
  async function pull(image: string, secrets: readonly Secret[], signal: AbortSignal, tell: Tell): Promise<string | undefined> {
    const askedMs = clock.now().getTime()
    tell('Normal', 'Pulling', `Pulling image "${image}"`)
    const stopReports = reportProgress({
      progress: () => content.progress(fullRepositoryOf(image)),
      tell: (progress) => tell('Normal', 'Pulling', `Pulling image "${image}": ${progress}`),
      clock,
      logger,
      firstAfterMs: progressAfterMs,
    })
    try {
      const { begunMs } = await pulls.pull(image, secrets, signal)
      const size = (await find(image))?.size ?? 0
      const doneMs = clock.now().getTime()
      const took = formatDuration(doneMs - Math.max(begunMs, askedMs))
      const withWait = formatDuration(doneMs - askedMs)
      const message = `Successfully pulled image "${image}" in ${took} (${withWait} including waiting). Image size: ${size} bytes.`
      tell('Normal', 'Pulled', message)
      return undefined
    } catch (error) {
      const message = messageOf(error)
      if (!signal.aborted) {
        tell('Warning', 'Failed', `Failed to pull image "${image}": ${message}`)
        tell('Warning', 'Failed', 'Error: ErrImagePull')
      }
      return message
    } finally {
      stopReports()
    }
  }

  return {
    forget: ({ metadata }) => backoff.forget(metadata.uid),
    async ensure(pod, container, secrets, signal) {
      const image = container.image ?? ''
      const { uid } = pod.metadata
      const tell: Tell = (type, reason, message) => events.container(pod, container, type, reason, message)
      const fail = (reason: string, message: string) => backoff.fail(uid, image, reason, message)
      const invalid = checkImageName(image)
      if (invalid) {
        const message = `Failed to apply default image tag "${image}": ${invalid}`
        tell('Warning', 'InspectFailed', message)
        tell('Warning', 'Failed', 'Error: InvalidImageName')
        return fail('InvalidImageName', message)
      }
      let present = await find(image)
      const decision = decidePull(image, container.imagePullPolicy, present)
      if (!decision.pull && decision.refuse) {
        tell('Warning', 'ErrImageNeverPull', decision.refuse)
        tell('Warning', 'Failed', 'Error: ErrImageNeverPull')
        return fail('ErrImageNeverPull', decision.refuse)
      }
      if (decision.pull) {
        const failure = await pull(image, secrets, signal, tell)
        if (failure) return fail('ErrImagePull', failure)
        present = await find(image)
      } else tell('Normal', 'Pulled', `Container image "${image}" already present on machine`)
      backoff.succeeded(uid, image)
      if (!present) return fail('ErrImagePull', `image "${image}" is not there after its pull`)
      return { imageRef: present.id, user: { uid: present.uid?.value, name: present.username || undefined } }
    },
  }
}

/** How long a pod waits before its image is tried again. */
function createPullBackoff(clock: Clock) {
  /** By pod UID and image. */
  const delays = new Map<string, number>()
  return {
    fail(uid: string, image: string, reason: string, message: string): ImageFact {
      const key = `${uid} ${image}`
      const delayMs = Math.min(maxDelayMs, (delays.get(key) ?? initialDelayMs / 2) * 2)
      delays.set(key, delayMs)
      return { failure: { reason, message, untilMs: clock.now().getTime() + delayMs } }
    },
    succeeded: (uid: string, image: string) => void delays.delete(`${uid} ${image}`),
    forget(uid: string) {
      for (const key of delays.keys()) if (key.startsWith(`${uid} `)) delays.delete(key)
    },
  }
}
