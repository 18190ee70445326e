/** The store without etcd, for tests: the same contract and the same suite, its history in memory until it is told to compact. */
import { expired, serviceUnavailable } from '../../api/status.ts'
import type { KubeObject } from '../../api/object.ts'
import { systemClock, type Clock } from '../../component/clock.ts'
import { silentLogger, type Logger } from '../../component/logger.ts'
import { CachedStore } from './cached-store.ts'
import { draftFrom, draftOf } from './entry.ts'
import { ObjectCache } from './object-cache.ts'
import type { Store, WriteResult } from './store.ts'

export interface MemoryStoreOptions {
  clock?: Clock
  logger?: Logger
  windowEvents?: number
}

interface Version {
  revision: number
  /** Undefined: deleted. */
  value: Buffer | undefined
}

export class MemoryStore extends CachedStore implements Store {
  private readonly clock: Clock
  /** Every version of every key since the last compaction, oldest first. */
  private readonly history = new Map<string, Version[]>()
  private compacted = 0
  private latest = 1
  private stopped = false

  constructor({ clock = systemClock, logger = silentLogger, windowEvents }: MemoryStoreOptions = {}) {
    super(new ObjectCache({ clock, logger, ...(windowEvents !== undefined && { windowEvents }) }))
    this.clock = clock
    this.cache.replace([], this.latest)
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.stopped = true
    this.cache.stop()
    return Promise.resolve()
  }

  healthy(): Promise<string | null> {
    return Promise.resolve(this.stopped ? 'the store has stopped' : null)
  }

  async current(): Promise<number> {
    const revision = this.latest
    await this.cache.reached(revision, 5_000)
    return revision
  }

  async listAt(prefix: string, revision: number, startKey: string, limit: number) {
    if (revision < this.compacted) throw expired('The resourceVersion for the provided list is too old.')
    const present = [...this.history]
      .filter(([key]) => key.startsWith(prefix) && key >= startKey)
      .map(([key, versions]) => ({ key, version: versions.findLast((version) => version.revision <= revision) }))
      .filter(({ version }) => version?.value)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    const page = limit > 0 ? present.slice(0, limit) : present
    const entries = page.map(({ key, version }) =>
      draftFrom(this.cache.resourceOf(key), key, version!.value!).at(version!.revision),
    )
    return { entries, more: page.length < present.length, remaining: present.length - page.length }
  }

  create(key: string, object: KubeObject, options: { ttlSeconds?: number } = {}): Promise<WriteResult> {
    return this.put(key, object, 0, options.ttlSeconds)
  }

  update(key: string, object: KubeObject, expected: number, options: { ttlSeconds?: number } = {}): Promise<WriteResult> {
    return this.put(key, object, expected, options.ttlSeconds)
  }

  async delete(key: string, expected: number): Promise<WriteResult> {
    await this.turn()
    const current = this.cache.get(key)
    if (!current || current.revision !== expected) return { ok: false, current }
    const revision = this.commit(key, undefined)
    return { ok: true, entry: current.at(revision) }
  }

  /** Forgets what was before `revision`: lists of older revisions are then refused. */
  compact(revision: number): void {
    this.compacted = revision
    for (const [key, versions] of this.history) {
      const base = versions.findLastIndex((version) => version.revision <= revision)
      const kept = versions.slice(Math.max(0, base))
      if (kept.length === 1 && !kept[0]!.value) this.history.delete(key)
      else this.history.set(key, kept)
    }
  }

  private async put(key: string, object: KubeObject, expected: number, ttlSeconds?: number): Promise<WriteResult> {
    // Encoded at once: the caller may change the object as soon as the call is made.
    const draft = draftOf(this.cache.resourceOf(key), key, object)
    await this.turn()
    const current = this.cache.get(key)
    if ((current?.revision ?? 0) !== expected) return { ok: false, current }
    if (current && !ttlSeconds && current.holds(draft.value)) return { ok: true, entry: current }
    const revision = ++this.latest
    this.remember(key, { revision, value: draft.value })
    this.cache.apply([{ key, revision, value: draft.value, draft }])
    if (ttlSeconds) this.clock.setTimeout(() => this.expire(key, revision), ttlSeconds * 1000)
    return { ok: true, entry: draft.at(revision) }
  }

  private commit(key: string, value: Buffer | undefined): number {
    const revision = ++this.latest
    this.remember(key, { revision, value })
    this.cache.apply([{ key, revision, value }])
    return revision
  }

  private expire(key: string, revision: number): void {
    if (!this.stopped && this.cache.get(key)?.revision === revision) this.commit(key, undefined)
  }

  private remember(key: string, version: Version): void {
    const versions = this.history.get(key)
    if (versions) versions.push(version)
    else this.history.set(key, [version])
  }

  /** Writes happen in a turn of their own, as they would with a server: never inside a watch handler that asked for one. */
  private async turn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (this.stopped) throw serviceUnavailable('The store has stopped')
  }
}
