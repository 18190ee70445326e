/** What every store does alike: its cache answers reads, at the revision that it has reached. */
import type { ObjectCache } from './object-cache.ts'
import type { Entry, IndexQuery, ListQuery, StoredResource, Subscription, WatchHandlers } from './store.ts'

export abstract class CachedStore {
  protected readonly cache: ObjectCache

  constructor(cache: ObjectCache) {
    this.cache = cache
  }

  register(resource: StoredResource): void {
    this.cache.register(resource)
  }

  unregister(prefix: string): void {
    this.cache.unregister(prefix)
  }

  revision(): number {
    return this.cache.revision()
  }

  reached(revision: number, timeoutMs: number): Promise<void> {
    return this.cache.reached(revision, timeoutMs)
  }

  get(key: string): Entry | undefined {
    return this.cache.get(key)
  }

  list(prefix: string, query?: ListQuery): Entry[] {
    return this.cache.list(prefix, query)
  }

  count(prefix: string, namespace?: string): number {
    return this.cache.count(prefix, namespace)
  }

  watch(prefix: string, fromRevision: number, handlers: WatchHandlers, index?: IndexQuery): Subscription {
    return this.cache.watch(prefix, fromRevision, handlers, index)
  }
}
