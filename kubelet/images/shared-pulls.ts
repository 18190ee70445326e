/** Pulls of images, which pods that want one image share, as far as their credentials do. */
import type { Secret } from '../../api/generated/types.ts'
import type { Clock } from '../../component/clock.ts'
import { createLimit } from '../limit.ts'
import { type Cri, fullRuntimeMessage } from '../runtime/cri-client.ts'
import type { AuthConfig } from '../runtime/cri-types.ts'
import { findCredentials } from './pull-secrets.ts'

export interface SharedPulls {
  /** Rejects when no credentials help. A pull is given up when none is left who waits for it. */
  pull(image: string, secrets: readonly Secret[], signal: AbortSignal): Promise<PullTiming>
}

export interface PullTiming {
  /** When its turn came. */
  begunMs: number
}

interface SharedPull {
  waiters: number
  cancel: AbortController
  done: Promise<PullTiming>
}

const pullTimeoutMs = 3_600_000

/** At most so many at once; 0 is no bound. */
export function createSharedPulls(cri: Cri, clock: Clock, maxParallel = 0): SharedPulls {
  const turn = createLimit(maxParallel || Infinity)
  const running = new Map<string, SharedPull>()

  function begin(key: string, image: string, credentials: readonly AuthConfig[]): SharedPull {
    const cancel = new AbortController()
    const done = turn(async () => {
      const begunMs = clock.now().getTime()
      await tryEach(cri, image, credentials, cancel.signal)
      return { begunMs }
    }).finally(() => running.delete(key))
    const shared = { waiters: 0, cancel, done }
    running.set(key, shared)
    return shared
  }

  return {
    pull(image, secrets, signal) {
      const credentials = findCredentials(image, secrets)
      const key = `${image} ${JSON.stringify(credentials)}`
      const shared = running.get(key) ?? begin(key, image, credentials)
      shared.waiters++
      const leave = () => {
        if (--shared.waiters === 0) shared.cancel.abort()
      }
      signal.addEventListener('abort', leave, { once: true })
      return shared.done.finally(() => signal.removeEventListener('abort', leave))
    },
  }
}

/** One of several credentials may be the right one; without any it is asked for as nobody. */
async function tryEach(cri: Cri, image: string, credentials: readonly AuthConfig[], signal: AbortSignal): Promise<void> {
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
