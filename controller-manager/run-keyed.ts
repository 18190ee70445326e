/** For controllers that must do more than write objects: workers over keys, one key never twice at once, with backoff. */
import { messageOf } from '../api/error-message.ts'
import { isConflict } from '../api/status.ts'
import type { Logger } from '../component/logger.ts'
import type { WorkQueue } from '../client/work-queue.ts'
import { isObjectGone } from './object-gone.ts'

export interface KeyedOptions {
  queue: WorkQueue
  workers: number
  logger: Logger
  signal: AbortSignal
  /** Answers after how many milliseconds to look again; 0 for not before the next event. */
  sync: (key: string) => Promise<number>
}

/** Resolves when the signal has aborted and the last key is done. */
export async function runKeyed({ queue, workers, logger, signal, sync }: KeyedOptions): Promise<void> {
  signal.addEventListener('abort', () => queue.shutDown(), { once: true })
  if (signal.aborted) queue.shutDown()
  const work = async () => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      try {
        const waitMs = await sync(key)
        queue.forget(key)
        if (waitMs > 0) queue.addAfter(key, waitMs)
      } catch (error) {
        if (!signal.aborted) {
          // Out of date: the watch brings what we have not seen.
          const level = isConflict(error) || isObjectGone(error) ? 'debug' : 'warn'
          logger[level]('cannot sync, trying again', { key, error: messageOf(error) })
          queue.addRateLimited(key)
        }
      } finally {
        queue.done(key)
      }
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
}
