/** Gets the image of a container onto the node by its pull policy; waits longer after each failure, as upstream. */
import { formatDuration } from '../../api/duration.ts'
import type { Container, Pod, Secret } from '../../api/generated/types.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import type { ImageFact } from '../pod-facts.ts'
import type { EventType, PodEvents } from '../pod-events.ts'
import { createLimit } from '../limit.ts'
import { type Cri, fullRuntimeMessage } from '../runtime/cri-client.ts'
import type { ImageContent } from '../runtime/containerd-content.ts'
import type { AuthConfig, Image } from '../runtime/cri-types.ts'
import { checkImageName, fullRepositoryOf } from './image-name.ts'
import { reportProgress } from './pull-progress.ts'
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

interface Timing {
  /** When its turn came. */
  begunMs: number
}

interface SharedPull {
  waiters: number
  cancel: AbortController
  done: Promise<Timing>
}

export function createImagePuller(options: ImagePullerOptions): ImagePuller {
  const { cri, content, clock, logger, events, maxParallelPulls, progressAfterMs = 10_000 } = options
  const turn = createLimit(maxParallelPulls || Infinity)
  /** By pod UID and image. */
  const failures = new Map<string, { delayMs: number }>()
  const running = new Map<string, SharedPull>()
  const nowMs = () => clock.now().getTime()

  const find = async (image: string): Promise<Image | null> => (await cri.call('ImageStatus', { image: { image } })).image

  /** Several pods that want one image share its pull, as far as their credentials do; it is given up when none is left. */
  function pull(image: string, secrets: readonly Secret[], signal: AbortSignal): Promise<Timing> {
    const credentials = findCredentials(image, secrets)
    const key = `${image} ${JSON.stringify(credentials)}`
    const shared = running.get(key) ?? begin(key, image, credentials)
    shared.waiters++
    const leave = () => {
      if (--shared.waiters === 0) shared.cancel.abort()
    }
    signal.addEventListener('abort', leave, { once: true })
    return shared.done.finally(() => signal.removeEventListener('abort', leave))
  }

  function begin(key: string, image: string, credentials: readonly AuthConfig[]): SharedPull {
    const cancel = new AbortController()
    const done = turn(async () => {
      const begunMs = nowMs()
      await tryEach(image, credentials, cancel.signal)
      return { begunMs }
    }).finally(() => running.delete(key))
    const shared = { waiters: 0, cancel, done }
    running.set(key, shared)
    return shared
  }

  async function tryEach(image: string, credentials: readonly AuthConfig[], signal: AbortSignal): Promise<void> {
    const failures = new Set<string>()
    for (const auth of credentials.length > 0 ? credentials : [undefined]) {
      try {
        await cri.call('PullImage', { image: { image }, ...(auth ? { auth } : {}) }, { timeoutMs: pullTimeoutMs, signal })
        return
      } catch (error) {
        failures.add(fullRuntimeMessage(error))
      }
    }
    const [first, ...others] = failures
    throw new Error(others.length > 0 ? `[${[first, ...others].join(', ')}]` : first)
  }

  /** Answers why it failed, or undefined. */
  async function pullAndTell(
    image: string,
    secrets: readonly Secret[],
    signal: AbortSignal,
    event: (type: EventType, reason: string, message: string) => void,
  ): Promise<string | undefined> {
    const askedMs = nowMs()
    event('Normal', 'Pulling', `Pulling image "${image}"`)
    const stopReports = reportProgress({
      progress: () => content.progress(fullRepositoryOf(image)),
      tell: (progress) => event('Normal', 'Pulling', `Pulling image "${image}": ${progress}`),
      clock,
      logger,
      firstAfterMs: progressAfterMs,
    })
    try {
      const { begunMs } = await pull(image, secrets, signal)
      const size = (await find(image))?.size ?? 0
      const doneMs = nowMs()
      const took = formatDuration(doneMs - Math.max(begunMs, askedMs))
      const withWait = formatDuration(doneMs - askedMs)
      const message = `Successfully pulled image "${image}" in ${took} (${withWait} including waiting). Image size: ${size} bytes.`
      event('Normal', 'Pulled', message)
      return undefined
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (!signal.aborted) {
        event('Warning', 'Failed', `Failed to pull image "${image}": ${message}`)
        event('Warning', 'Failed', 'Error: ErrImagePull')
      }
      return message
    } finally {
      stopReports()
    }
  }

  function fail(key: string, reason: string, message: string): ImageFact {
    const delayMs = Math.min(maxDelayMs, (failures.get(key)?.delayMs ?? initialDelayMs / 2) * 2)
    failures.set(key, { delayMs })
    return { failure: { reason, message, untilMs: nowMs() + delayMs } }
  }

  return {
    forget({ metadata }) {
      for (const key of failures.keys()) if (key.startsWith(`${metadata.uid} `)) failures.delete(key)
    },
    async ensure(pod, container, secrets, signal) {
      const image = container.image ?? ''
      const key = `${pod.metadata.uid} ${image}`
      const event = (type: EventType, reason: string, message: string) => events.container(pod, container, type, reason, message)
      const invalid = checkImageName(image)
      if (invalid) {
        const message = `Failed to apply default image tag "${image}": ${invalid}`
        event('Warning', 'InspectFailed', message)
        event('Warning', 'Failed', 'Error: InvalidImageName')
        return fail(key, 'InvalidImageName', message)
      }
      let present = await find(image)
      const decision = decidePull(image, container.imagePullPolicy, present)
      if (!decision.pull && decision.refuse) {
        event('Warning', 'ErrImageNeverPull', decision.refuse)
        event('Warning', 'Failed', 'Error: ErrImageNeverPull')
        return fail(key, 'ErrImageNeverPull', decision.refuse)
      }
      if (decision.pull) {
        const failure = await pullAndTell(image, secrets, signal, event)
        if (failure) return fail(key, 'ErrImagePull', failure)
        present = await find(image)
      } else event('Normal', 'Pulled', `Container image "${image}" already present on machine`)
      failures.delete(key)
      if (!present) return fail(key, 'ErrImagePull', `image "${image}" is not there after its pull`)
      return { imageRef: present.id, user: { uid: present.uid?.value, name: present.username || undefined } }
    },
  }
}
