/**
 * Follows one collection of the API server for as long as it is asked to: list, then watch, through restarts, expired
 * revisions and broken connections. The receiver sees every state it needs in order, none missed, none twice.
 */
import { messageOf } from '../api/error-message.ts'
import type { KubeObject } from '../api/object.ts'
import { fromStatus, isApiError, isExpired, isTimeout } from '../api/status.ts'
import { computeBackoff } from '../component/backoff.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { List, WatchEvent } from './api-client.ts'

export interface ReflectorSource<T> {
  list(options: { resourceVersion: string; signal: AbortSignal }): Promise<List<T>>
  watch(options: { resourceVersion: string; timeoutSeconds: number; signal: AbortSignal }): AsyncIterable<WatchEvent<T>>
}

export interface ReflectorReceiver<T> {
  /** The whole collection as of `resourceVersion`: the first one, or the one after a gap that a watch could not bridge. */
  replace(items: T[], resourceVersion: string): void
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T, resourceVersion: string): void
  /** Nothing changed up to this revision. */
  bookmark(resourceVersion: string): void
}

export interface ReflectorOptions {
  clock: Clock
  logger: Logger
  random?: () => number
  /** `0` (the default) starts from whatever the server's cache holds; `` from the newest committed state. */
  from?: '0' | ''
}

/** Upstream's 800 ms, doubling, jittered, forgotten by what works; to 8 s, where upstream's clusters of thousands wait 30. */
const backoff = { initialMs: 800, maxMs: 8000, jitter: 0.5 }
/** The first retries come sooner: an API server that restarts is back within a second here. */
const firstRetryMs = 50

export async function runReflector<T extends KubeObject>(
  source: ReflectorSource<T>,
  receiver: ReflectorReceiver<T>,
  { clock, logger, random = Math.random, from = '0' }: ReflectorOptions,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  const retryLater = async (what: string, error: unknown) => {
    failures++
    const waitMs = failures <= 3 ? firstRetryMs * 2 ** failures * (1 + random()) : computeBackoff(backoff, failures - 3, random())
    const level = failures > 3 ? 'warn' : 'debug'
    logger[level](`cannot ${what}, trying again`, {
      error: messageOf(error),
      waitMs: Math.round(waitMs),
    })
    await clock.sleep(waitMs, signal)
  }

  // '0' takes what the server's cache holds at once. Once something was seen, never ask for less than that again, or a
  // lagging server would take us back in time; '' (a consistent read) is for when the server cannot serve that revision.
  let atLeast: string = from
  let revision: string | undefined
  while (!signal.aborted) {
    try {
      if (revision === undefined) {
        const list = await source.list({ resourceVersion: atLeast, signal })
        revision = list.metadata.resourceVersion
        receiver.replace(list.items, revision)
        failures = 0
      }
      const before: string = revision
      for await (const event of source.watch({ resourceVersion: revision, timeoutSeconds: watchSeconds(random()), signal })) {
        revision = receive(event, receiver)
        failures = 0
      }
      // A watch that ends without having said anything may come from a server that always does this.
      if (revision === before && !signal.aborted) await clock.sleep(firstRetryMs * (1 + random()), signal)
    } catch (error) {
      if (signal.aborted) return
      const listing = revision === undefined
      // A server that cannot serve what we have seen had its etcd restored to an older state, or has compacted it away.
      if (listing && (isExpired(error) || isTimeout(error))) atLeast = ''
      else atLeast = revision ?? atLeast
      // Resuming from the same revision neither misses nor repeats an event; only a server that refuses it needs a new list.
      if (refusesRevision(error)) revision = undefined
      if (listing || !isExpired(error)) await retryLater(listing ? 'list' : 'watch', error)
    }
  }
}

/** Every answer about the request itself does; overload, and what happens while a server starts or stops, says nothing. */
const refusesRevision = (error: unknown): boolean =>
  isApiError(error) && error.code !== 429 && (error.code < 500 || error.reason === 'Timeout')

/** Between 5 and 10 minutes, so that the watches of many clients do not end together. */
const watchSeconds = (random: number) => Math.floor(300 * (1 + random))

function receive<T extends KubeObject>({ type, object }: WatchEvent<T>, receiver: ReflectorReceiver<T>): string {
  if (type === 'ERROR') throw fromStatus(object, 500)
  const revision = object.metadata.resourceVersion
  if (!revision) throw new Error(`Cannot follow a watch: its ${type} event has no resourceVersion`)
  if (type === 'BOOKMARK') receiver.bookmark(revision)
  else receiver.apply(type, object, revision)
  return revision
}
