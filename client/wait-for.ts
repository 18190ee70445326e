/** Waits until objects are as they should be, by list and watch: what `kubectl wait`, set-up code and tests stand on. */
import type { KindName, Kinds } from '../api/kinds.ts'
import { keyOf } from '../api/object.ts'
import { silentLogger, type Logger } from '../component/logger.ts'
import { systemClock, type Clock } from '../component/clock.ts'
import type { ApiClient } from './api-client.ts'
import { runReflector } from './reflector.ts'
import { sourceOf, type Scope } from './shared-informers.ts'

export interface WaitOptions extends Scope {
  /** One object; else all that the scope selects. */
  name?: string | undefined
  timeoutMs: number
  signal?: AbortSignal | undefined
  clock?: Clock
  logger?: Logger
}

export class WaitTimeoutError extends Error {
  override name = 'WaitTimeoutError'
}

/**
 * Resolves with the objects as soon as `isDone` answers true for what is there: at once, or after a change. Rejects with
 * WaitTimeoutError when time is up, and with what `isDone` throws.
 */
export async function waitFor<K extends KindName>(
  client: ApiClient,
  kind: K,
  { name, timeoutMs, signal, clock = systemClock, logger = silentLogger, ...scope }: WaitOptions,
  isDone: (objects: Kinds[K][]) => boolean,
): Promise<Kinds[K][]> {
  const { promise, resolve, reject } = Promise.withResolvers<Kinds[K][]>()
  const stop = new AbortController()
  const objects = new Map<string, Kinds[K]>()
  const judge = () => {
    try {
      const all = [...objects.values()]
      if (isDone(all)) resolve(all)
    } catch (error) {
      reject(error as Error)
    }
  }
  const fieldSelector = name === undefined ? scope.fieldSelector : `metadata.name=${name}`
  const cancel = clock.setTimeout(
    () => reject(new WaitTimeoutError(`timed out waiting for ${kind} ${name ?? ''}`.trimEnd())),
    timeoutMs,
  )
  const abort = () => reject(signal?.reason as Error)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()

  const following = runReflector(
    sourceOf(client, kind, { ...scope, fieldSelector }),
    {
      replace(items) {
        objects.clear()
        for (const item of items) objects.set(keyOf(item), item)
        judge()
      },
      apply(type, object) {
        if (type === 'DELETED') objects.delete(keyOf(object))
        else objects.set(keyOf(object), object)
        judge()
      },
      bookmark() {},
    },
    // What was just written must be in sight, or the deletion of a new object would seem done already.
    { clock, logger, from: '' },
    stop.signal,
  )
  following.catch(reject)
  try {
    return await promise
  } finally {
    cancel()
    signal?.removeEventListener('abort', abort)
    stop.abort()
  }
}
