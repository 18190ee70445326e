/** One kind as the API server has it, kept in memory: handlers hear each change with the old and the new object, in order. */
import { keyOf, type KubeObject } from '../api/object.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Store } from './cache.ts'
import { createIndexedStore, type Indexes } from './indexed-store.ts'
import { runReflector, type ReflectorReceiver, type ReflectorSource } from './reflector.ts'

export interface InformerHandlers<T> {
  /** `initial`: part of the first list, or there already when the handlers were added. */
  added?(object: T, initial: boolean): void
  updated?(object: T, old: T): void
  /** The last state that is known; after a gap it may be older than the one that was deleted. */
  deleted?(object: T): void
}

export interface Informer<T extends KubeObject> {
  readonly store: Store<T>
  /** Handlers run synchronously, in the order they were added; the store holds the new state already. Answers how to leave. */
  addHandlers(handlers: InformerHandlers<T>): () => void
  addIndexes(indexes: Indexes<T>): void
  hasSynced(): boolean
  /** Resolves after the first list; at once when it was. */
  whenSynced(): Promise<void>
  /** Everything up to this revision has been seen; '' before the first list. */
  revision(): string
  /** Resolves when `revision()` has reached this one, or `timeoutMs` have passed: answers which. */
  whenReached(revision: string, timeoutMs: number): Promise<boolean>
  /** Resolves when the object of this key (undefined: none) is as `isIt` wants it, or `timeoutMs` have passed: answers which. */
  whenObject(key: string, isIt: (object: T | undefined) => boolean, timeoutMs: number): Promise<boolean>
  /** Follows the server until the signal aborts. Once only. */
  run(signal: AbortSignal): Promise<void>
}

export interface InformerOptions<T> {
  name: string
  clock: Clock
  logger: Logger
  random?: () => number
  /** Changes an object as it comes in: drop what nobody here reads. By default managedFields go. */
  ingest?: (object: T) => T
}

export function createInformer<T extends KubeObject>(source: ReflectorSource<T>, options: InformerOptions<T>): Informer<T> {
  const store = createIndexedStore<T>()
  const handlers = new Set<InformerHandlers<T>>()
  const logger = options.logger.with({ informer: options.name })
  const ingest = options.ingest ?? dropManagedFields
  const progress = createProgress(options.clock)

  const tell = (call: (handlers: InformerHandlers<T>) => void) => {
    for (const each of handlers) {
      // One listener's bug must not keep the others, or the store, from the event.
      try {
        call(each)
      } catch (error) {
        logger.error('event handler failed', { error })
      }
    }
  }
  const put = (object: T, initial: boolean) => {
    const old = store.set(object)
    if (!old) tell((each) => each.added?.(object, initial))
    else if (isSameObject(old, object)) {
      if (old.metadata.resourceVersion !== object.metadata.resourceVersion) tell((each) => each.updated?.(object, old))
    } else {
      // Deleted and made again while we did not look: listeners must not take it for an update.
      tell((each) => each.deleted?.(old))
      tell((each) => each.added?.(object, initial))
    }
  }
  const remove = (key: string, last?: T) => {
    const old = store.delete(key)
    if (old) tell((each) => each.deleted?.(last ?? old))
  }

  const receiver: ReflectorReceiver<T> = {
    replace(items, revision) {
      const initial = !progress.synced()
      const present = new Set(items.map(keyOf))
      for (const key of store.keys()) if (!present.has(key)) remove(key)
      for (const item of items) put(ingest(item), initial)
      progress.reach(revision)
      if (initial) logger.debug('synced', { objects: items.length, revision })
    },
    apply(type, object, revision) {
      if (type === 'DELETED') remove(keyOf(object), ingest(object))
      else put(ingest(object), false)
      progress.reach(revision)
    },
    bookmark: progress.reach,
  }

  return {
    store,
    addHandlers(added) {
      handlers.add(added)
      for (const object of store.list()) added.added?.(object, true)
      return () => void handlers.delete(added)
    },
    addIndexes: store.addIndexes,
    hasSynced: progress.synced,
    whenSynced: progress.whenSynced,
    revision: progress.revision,
    whenReached: (revision, timeoutMs) => progress.when((seen) => isReached(seen, revision), timeoutMs),
    whenObject: (key, isIt, timeoutMs) => progress.when(() => isIt(store.get(key)), timeoutMs),
    run: (signal) => runReflector(source, receiver, { ...options, logger }, signal),
  }
}

const isSameObject = (a: KubeObject, b: KubeObject) => a.metadata.uid === b.metadata.uid

function dropManagedFields<T extends KubeObject>(object: T): T {
  // Nothing here reads them, and they are a third of a pod's size. The object is fresh from the wire: ours to change.
  delete object.metadata.managedFields
  return object
}

const isReached = (seen: string, revision: string) => seen !== '' && compareRevisions(seen, revision) >= 0

/** How far the informer has seen, and who waits for it to see more. */
function createProgress(clock: Clock) {
  let current = ''
  const { promise: firstList, resolve: markSynced } = Promise.withResolvers<void>()
  const waiting = new Set<{ isIt: (seen: string) => boolean; resolve: () => void }>()
  return {
    revision: () => current,
    synced: () => current !== '',
    whenSynced: () => firstList,
    reach(revision: string) {
      if (current === '') markSynced()
      current = revision
      for (const each of waiting) if (each.isIt(current)) each.resolve()
    },
    when(isIt: (seen: string) => boolean, timeoutMs: number): Promise<boolean> {
      if (isIt(current)) return Promise.resolve(true)
      return new Promise((resolve) => {
        const entry = {
          isIt,
          resolve: () => {
            cancel()
            waiting.delete(entry)
            resolve(true)
          },
        }
        const cancel = clock.setTimeout(() => {
          waiting.delete(entry)
          resolve(false)
        }, timeoutMs)
        waiting.add(entry)
      })
    },
  }
}

/** Revisions of one collection are decimal numbers that only grow (KEP-5504); compared as text, since they may pass 2⁵³. */
export function compareRevisions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}
