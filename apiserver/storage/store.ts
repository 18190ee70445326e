/**
 * The contract of the object store: compare-and-swap writes, reads from memory, watches in one total order.
 *
 * Two implementations, etcd and memory, pass one test suite. Everything above this line deals in entries: an object version as
 * bytes, with the few fields beside it that selectors and indexes need, parsed only for who asks.
 */
import type { KubeObject } from '../../api/object.ts'
import type { ApiError } from '../../api/status.ts'

/** One version of one object, immutable. */
export interface Entry {
  /** `/registry/<group>/<resource>/<namespace>/<name>`; group `core` for the empty one. No namespace for cluster-scoped kinds. */
  readonly key: string
  /** etcd's mod_revision of the write that made this version: metadata.resourceVersion. */
  readonly revision: number
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  /** Selectable fields, as the resource's `selectableFields` gave them (metadata.name and metadata.namespace not among them). */
  readonly fields: Readonly<Record<string, string>>
  /** The object as JSON in its storage version, with metadata.resourceVersion in place: what get, list and watch write out. */
  readonly bytes: Buffer
  /** Parsed on first use. Shared: never change it; `structuredClone` first. */
  object(): KubeObject
}

/** What the store must know of a resource: registered once, before `start`, or at run time for custom resources. */
export interface StoredResource {
  /** `/registry/<group>/<resource>/` with the closing slash. */
  prefix: string
  namespaced: boolean
  selectableFields: (object: KubeObject) => Record<string, string>
  /** Fields (by selectable name) with an index for equality: `spec.nodeName`. Namespace has one always. */
  indexedFields: readonly string[]
}

export type WriteResult = { ok: true; entry: Entry } | { ok: false; current: Entry | undefined }

export interface ListQuery {
  namespace?: string
  /** Equality on an indexed field: narrows before anything is looked at. */
  index?: IndexQuery
}

export interface IndexQuery {
  field: string
  value: string
}

export interface StoreEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** DELETED: the last version, its bytes carrying the revision of the deletion. */
  entry: Entry
  /** The version before, for selectors that an object enters or leaves. */
  previous: Entry | undefined
  revision: number
}

export interface WatchHandlers {
  onEvent: (event: StoreEvent) => void
  /**
   * Progress, for bookmarks: every event of the prefix up to `revision` has been handed over. Said a few times a second at most,
   * and only when revisions passed that were not the subscriber's.
   */
  onRevision?: (revision: number) => void
  /**
   * Nothing more will come: history was lost in a compaction, or the resource was taken out (410, so that the client lists
   * again), or the store stops (503). Not called after `close`.
   */
  onEnd?: (reason: ApiError) => void
}

export interface Subscription {
  close(): void
}

export interface Store {
  register(resource: StoredResource): void
  /** Takes a resource out again (a custom resource definition that went away). Objects in etcd stay. */
  unregister(prefix: string): void
  /** Resolves when the cache holds everything. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Null when reads and writes work; else why not. For /readyz. */
  healthy(): Promise<string | null>

  /** The newest revision that the cache has applied, exactly: every event up to it has been handed to subscribers. */
  revision(): number
  /** Asks etcd for its current revision and resolves when the cache has reached it. Concurrent callers share one question. */
  current(): Promise<number>
  /** Resolves when the cache has reached `revision`; rejects with a 504 Status after `timeoutMs`. */
  reached(revision: number, timeoutMs: number): Promise<void>

  /** From memory, at `revision()`. */
  get(key: string): Entry | undefined
  /** From memory, at `revision()`, ordered by key. The array belongs to the caller. */
  list(prefix: string, query?: ListQuery): Entry[]
  /** How many objects `list` would answer, for the length of a look-up. `prefix` is a resource's. */
  count(prefix: string, namespace?: string): number
  /** From etcd as of an older `revision`, from `startKey` on: pages of one consistent list. Rejects with 410 Expired when compacted. */
  listAt(
    prefix: string,
    revision: number,
    startKey: string,
    limit: number,
  ): Promise<{ entries: Entry[]; more: boolean; remaining: number }>

  /**
   * Writes resolve when etcd has committed. The object is encoded here, once; its resourceVersion is ignored.
   * `create` is refused when the key exists; `update` and `delete` when its revision is not `expected`: both then
   * answer the current entry, read in the same transaction. A lost connection rejects with a 500/504 Status and is never repeated.
   * An update that changes nothing makes no new version and leaves a time to live as it is: it answers the entry that is there. With
   * `ttlSeconds` it is always written.
   */
  create(key: string, object: KubeObject, options?: { ttlSeconds?: number }): Promise<WriteResult>
  update(key: string, object: KubeObject, expected: number, options?: { ttlSeconds?: number }): Promise<WriteResult>
  /** The entry answered is the last version as DELETED events carry it. */
  delete(key: string, expected: number): Promise<WriteResult>

  /**
   * Every event under `prefix` after `fromRevision`, in order, the backlog first and synchronously with the switch to live:
   * none is missed or doubled. Throws 410 Expired when `fromRevision` is older than the window. Handlers must not throw.
   * With `index` only events of objects that have the value or had it before: who watches one of 5,000 values is not even looked at
   * for the others.
   */
  watch(prefix: string, fromRevision: number, handlers: WatchHandlers, index?: IndexQuery): Subscription
}
