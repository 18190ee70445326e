/**
 * What etcd holds, in memory and in etcd's order: objects by resource, windows of events, subscriptions, waiting readers.
 *
 * It is fed whole revisions, one after the other, and does no I/O: the etcd store and the memory store differ only in who feeds it.
 * Objects of resources that nobody registered are kept as they came, so that registering one later needs no question to etcd.
 */
import { messageOf } from '../../api/error-message.ts'
import { ApiError, expired, internalError, serviceUnavailable, timeout } from '../../api/status.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { draftFrom, StoredEntry, type Draft } from './entry.ts'
import { ResourceCache } from './resource-cache.ts'
import { concerns, Subscribers, type Subscriber } from './subscribers.ts'
import type { Entry, IndexQuery, ListQuery, StoredResource, StoreEvent, Subscription, WatchHandlers } from './store.ts'

/** A key at a revision. `value` is plain JSON without resourceVersion; undefined: the key was deleted. It may be a view. */
export interface Change {
  key: string
  revision: number
  value: Buffer | undefined
  /** Why the value that etcd holds could not be decoded. */
  unreadable?: Error
  /** The writer's own, which saves the parse. */
  draft?: Draft | undefined
}

export interface ObjectCacheOptions {
  clock: Clock
  logger: Logger
  /** Events kept for each resource. */
  windowEvents?: number
  /** Bytes of all windows together; the largest gives way first. */
  windowBytes?: number
}

export const REGISTRY = '/registry/'
const PROGRESS_MS = 500

/** `/registry/<group>/<resource>/` of a key or of a longer prefix; undefined when it is shorter. */
export function resourcePrefix(key: string): string | undefined {
  const group = key.indexOf('/', REGISTRY.length)
  const resource = group < 0 ? -1 : key.indexOf('/', group + 1)
  return resource < 0 ? undefined : key.slice(0, resource + 1)
}

export type Prepared = StoredEntry | Change

interface Unclaimed {
  revision: number
  value: Buffer
}

interface Waiter {
  revision: number
  resolve: () => void
  reject: (reason: ApiError) => void
}

export class ObjectCache {
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly windowEvents: number
  private readonly windowBytes: number
  private readonly resources = new Map<string, ResourceCache>()
  private readonly unclaimed = new Map<string, Map<string, Unclaimed>>()
  private readonly subscribers = new Subscribers()
  private waiters: Waiter[] = []
  private applied = 0
  /** Counts events: revisions do not tell two of one transaction apart. */
  private sequence = 0
  private logBytes = 0
  private progressDue = false

  constructor({ clock, logger, windowEvents = 10_000, windowBytes = 48 * 2 ** 20 }: ObjectCacheOptions) {
    this.clock = clock
    this.logger = logger
    this.windowEvents = windowEvents
    this.windowBytes = windowBytes
  }

  register(resource: StoredResource): void {
    if (resourcePrefix(resource.prefix) !== resource.prefix || !resource.prefix.startsWith(REGISTRY))
      throw new Error(`Cannot register ${resource.prefix}: it is not ${REGISTRY}<group>/<resource>/`)
    if (this.resources.has(resource.prefix)) throw new Error(`Cannot register ${resource.prefix}: it is registered already`)
    const cache = new ResourceCache(resource, this.applied)
    for (const [key, { revision, value }] of this.unclaimed.get(resource.prefix) ?? [])
      cache.put(draftFrom(resource, key, value).at(revision))
    this.unclaimed.delete(resource.prefix)
    this.resources.set(resource.prefix, cache)
  }

  unregister(prefix: string): void {
    const cache = this.resources.get(prefix)
    if (!cache) return
    this.resources.delete(prefix)
    this.logBytes -= cache.log.bytes
    const objects = cache.entries().map((entry) => [entry.key, { revision: entry.revision, value: entry.value() }] as const)
    if (objects.length > 0) this.unclaimed.set(prefix, new Map(objects))
    this.end(this.subscribers.of(prefix), expired(`The resource of ${prefix} is no longer served`))
  }

  resourceOf(key: string): StoredResource {
    return this.cacheOf(key).resource
  }

  revision(): number {
    return this.applied
  }

  get(key: string): StoredEntry | undefined {
    const prefix = resourcePrefix(key)
    return prefix === undefined ? undefined : this.resources.get(prefix)?.get(key)
  }

  list(prefix: string, query: ListQuery = {}): Entry[] {
    const resource = resourcePrefix(prefix)
    const cache = resource === undefined ? undefined : this.resources.get(resource)
    if (!cache) return []
    const entries = cache.list(query)
    return prefix === resource ? entries : entries.filter(({ key }) => key.startsWith(prefix))
  }

  count(prefix: string, namespace?: string): number {
    return this.resources.get(prefix)?.count(namespace) ?? 0
  }

  /** All changes of one or more whole revisions, in order. What was applied before is left out. */
  apply(changes: readonly Change[]): void {
    for (const [index, change] of changes.entries()) {
      if (change.revision <= this.applied) continue
      if (change.key.startsWith(REGISTRY)) this.applyOne(change)
      if (changes[index + 1]?.revision !== change.revision) this.applied = change.revision
    }
    this.wake()
  }

  /** One present object of a state to come, parsed now so that `replace` cannot fail half way. Throws when it cannot be read. */
  prepare(change: Change): Prepared {
    const known = this.get(change.key)
    if (known?.revision === change.revision) return known
    const cache = this.resources.get(resourcePrefix(change.key) ?? '')
    if (cache || !change.value) return this.entryOf(this.cacheOf(change.key).resource, change)
    return { ...change, value: Buffer.from(change.value) }
  }

  /**
   * Everything anew, as of `revision`, after events were missed. Subscriptions cannot go on: they end with 410 Expired.
   * Versions that are already here keep their entry, and what it has parsed.
   */
  replace(present: Iterable<Prepared>, revision: number): void {
    for (const cache of this.resources.values()) cache.clear(revision)
    this.logBytes = 0
    this.unclaimed.clear()
    for (const item of present) {
      const cache = this.resources.get(resourcePrefix(item.key) ?? '')
      if (!cache) this.leaveUnclaimed(item instanceof StoredEntry ? { ...item, value: item.value() } : item)
      else cache.put(item instanceof StoredEntry ? item : this.entryOf(cache.resource, item))
    }
    this.applied = revision
    this.end(this.subscribers.all(), expired('The resourceVersion for the provided watch is too old.'))
    this.wake()
  }

  reached(revision: number, timeoutMs: number): Promise<void> {
    if (revision <= this.applied) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const settle = () => {
        cancel()
        this.waiters = this.waiters.filter((other) => other !== waiter)
      }
      const waiter: Waiter = {
        revision,
        resolve: () => (cancel(), resolve()),
        reject: (reason) => (settle(), reject(reason)),
      }
      const cancel = this.clock.setTimeout(() => waiter.reject(tooLarge(revision, this.applied)), timeoutMs)
      this.waiters.push(waiter)
    })
  }

  watch(prefix: string, fromRevision: number, handlers: WatchHandlers, index?: IndexQuery): Subscription {
    const resource = resourcePrefix(prefix)
    if (index && !this.resources.get(resource ?? '')?.resource.indexedFields.includes(index.field))
      throw new Error(`Cannot watch ${prefix} by ${index.field}: it has no index`)
    const backlog = this.backlog(prefix, resource, fromRevision)
    const subscriber: Subscriber = {
      prefix,
      resource: resource ?? '',
      from: fromRevision,
      index,
      handlers,
      seen: this.sequence,
      told: fromRevision,
      open: true,
    }
    this.subscribers.add(subscriber)
    for (const event of backlog) this.hand(subscriber, event)
    if (handlers.onRevision && subscriber.told < this.applied) this.announceProgress()
    return { close: () => this.close(subscriber) }
  }

  stop(): void {
    const reason = serviceUnavailable('The store is stopping')
    this.end(this.subscribers.all(), reason)
    for (const waiter of this.waiters) waiter.reject(reason)
  }

  private cacheOf(key: string): ResourceCache {
    const cache = this.resources.get(resourcePrefix(key) ?? '')
    if (!cache) throw new Error(`Cannot find the resource of ${key}: it is not registered`)
    return cache
  }

  private entryOf(resource: StoredResource, { key, revision, value, unreadable, draft }: Change): StoredEntry {
    try {
      if (unreadable) throw unreadable
      return (draft ?? draftFrom(resource, key, value!)).at(revision)
    } catch (error) {
      const why = messageOf(error)
      throw why.startsWith('Cannot read') ? error : new Error(`Cannot read ${key}: ${why}`, { cause: error })
    }
  }

  private applyOne(change: Change): void {
    const prefix = resourcePrefix(change.key)
    const cache = prefix === undefined ? undefined : this.resources.get(prefix)
    if (!cache) return this.leaveUnclaimed(change)
    const event = this.eventOf(cache, change)
    if (!event) return
    this.sequence++
    this.record(cache, event)
    for (const subscriber of this.subscribers.candidates(prefix!, event)) {
      if (subscriber.seen >= this.sequence) continue
      subscriber.seen = this.sequence
      this.hand(subscriber, event)
    }
  }

  private eventOf(cache: ResourceCache, change: Change): StoreEvent | undefined {
    const { key, revision, value } = change
    if (!value && !change.unreadable) {
      const previous = cache.remove(key)
      return previous && { type: 'DELETED', entry: previous.at(revision), previous, revision }
    }
    try {
      const entry = this.entryOf(cache.resource, change)
      const previous = cache.put(entry)
      return { type: previous ? 'MODIFIED' : 'ADDED', entry, previous, revision }
    } catch (error) {
      // Something else wrote into our keys. One bad value must not end the feed of everything else.
      this.logger.error('An object keeps its old version: the new one cannot be read', { revision, error })
      return undefined
    }
  }

  private record(cache: ResourceCache, event: StoreEvent): void {
    const before = cache.log.bytes
    cache.log.push(event)
    if (cache.log.length > this.windowEvents) cache.log.dropOldest(cache.log.length - this.windowEvents)
    this.logBytes += cache.log.bytes - before
    while (this.logBytes > this.windowBytes) this.shrinkLargest()
  }

  private shrinkLargest(): void {
    let largest: ResourceCache | undefined
    for (const cache of this.resources.values()) if (!largest || cache.log.bytes > largest.log.bytes) largest = cache
    if (!largest) return
    this.logBytes -= largest.log.bytes
    largest.log.dropOldest(Math.ceil(largest.log.length / 8))
    this.logBytes += largest.log.bytes
  }

  private leaveUnclaimed({ key, revision, value, unreadable }: Change): void {
    const prefix = resourcePrefix(key)
    if (prefix === undefined || unreadable) return
    let objects = this.unclaimed.get(prefix)
    if (!objects) this.unclaimed.set(prefix, (objects = new Map()))
    if (value) objects.set(key, { revision, value: Buffer.from(value) })
    else objects.delete(key)
  }

  private backlog(prefix: string, resource: string | undefined, fromRevision: number): StoreEvent[] {
    const caches =
      resource === undefined
        ? [...this.resources.values()].filter((cache) => cache.resource.prefix.startsWith(prefix))
        : [this.resources.get(resource)].filter((cache) => cache !== undefined)
    const events = caches.flatMap(({ log }) => {
      // As upstream words it: the second number is the oldest that a watch may start from.
      if (fromRevision < log.floor) throw expired(`too old resource version: ${fromRevision} (${log.floor})`)
      return log.after(fromRevision)
    })
    return caches.length > 1 ? events.sort((a, b) => a.revision - b.revision) : events
  }

  private hand(subscriber: Subscriber, event: StoreEvent): void {
    if (!subscriber.open || !concerns(subscriber, event)) return
    subscriber.told = event.revision
    this.call(subscriber, () => subscriber.handlers.onEvent(event))
  }

  private call(subscriber: Subscriber, handler: () => void): void {
    try {
      handler()
    } catch (error) {
      // It may have missed an event, so it must not go on; the others must.
      this.logger.error('A watch handler threw: its subscription ends', { prefix: subscriber.prefix, error })
      this.end([subscriber], internalError(error))
    }
  }

  private wake(): void {
    if (this.waiters.length > 0) {
      const due = this.waiters.filter(({ revision }) => revision <= this.applied)
      if (due.length > 0) this.waiters = this.waiters.filter(({ revision }) => revision > this.applied)
      for (const waiter of due) waiter.resolve()
    }
    this.announceProgress()
  }

  private announceProgress(): void {
    if (this.progressDue || this.subscribers.size === 0) return
    this.progressDue = true
    this.clock.setTimeout(() => {
      this.progressDue = false
      for (const subscriber of this.subscribers.all()) {
        const { onRevision } = subscriber.handlers
        if (!onRevision || subscriber.told >= this.applied) continue
        subscriber.told = this.applied
        this.call(subscriber, () => onRevision(this.applied))
      }
    }, PROGRESS_MS)
  }

  private close(subscriber: Subscriber): void {
    if (!subscriber.open) return
    subscriber.open = false
    this.subscribers.remove(subscriber)
  }

  private end(subscribers: readonly Subscriber[], reason: ApiError): void {
    for (const subscriber of subscribers) {
      if (!subscriber.open) continue
      this.close(subscriber)
      try {
        subscriber.handlers.onEnd?.(reason)
      } catch (error) {
        this.logger.error('The end of a watch could not be told', { prefix: subscriber.prefix, error })
      }
    }
  }
}

/** Upstream's answer to a revision that is still to come. */
function tooLarge(revision: number, current: number): ApiError {
  const { status } = timeout(`Too large resource version: ${revision}, current: ${current}`, 1)
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
  return new ApiError({ ...status, details: { ...status.details, causes } })
}
