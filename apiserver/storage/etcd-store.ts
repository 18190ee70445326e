/**
 * The store on etcd: writes are compare-and-swap transactions, reads come from a cache that one watch keeps exact.
 *
 * A write never touches the cache: its event does, in etcd's order. The writer leaves its draft so that the event needs no parse.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { messageOf } from '../../api/error-message.ts'
import { ApiError, expired, internalError, timeout } from '../../api/status.ts'
import type { KubeObject } from '../../api/object.ts'
import { systemClock, type Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { CachedStore } from './cached-store.ts'
import { runCompactor } from './compactor.ts'
import { Drafts } from './drafts.ts'
import { draftFrom, draftOf, type Draft } from './entry.ts'
import { EtcdClient, isCompacted, isFutureRevision, isLeaseNotFound } from './etcd-client.ts'
import type { EtcdTls } from './etcd-connection.ts'
import { EtcdError, GRPC } from './etcd-error.ts'
import { EtcdFeed } from './etcd-feed.ts'
import { prefixEnd, type KeyValue, type TxnOperation, type TxnResponse, type WatchEvent } from './etcd-messages.ts'
import { LeasePool } from './lease-pool.ts'
import { ObjectCache, REGISTRY, resourcePrefix, type Change } from './object-cache.ts'
import type { Entry, Store, WriteResult } from './store.ts'
import type { Transformers } from './transformer.ts'

export interface EtcdStoreOptions {
  /** `https://host:port` each. */
  endpoints: readonly string[]
  tls: EtcdTls
  logger: Logger
  clock?: Clock
  transformers?: Transformers
  /** Bound of every call; what etcd has not answered by then fails with 504. */
  callTimeoutMs?: number
  /** 0: never. */
  compactionIntervalMs?: number
  windowEvents?: number
  windowBytes?: number
}

interface WriteOptions {
  ttlSeconds?: number
}

const FIVE_MINUTES_MS = 300_000
const LARGEST_PAGE = 500
const GATHERING_TURNS = 5

export class EtcdStore extends CachedStore implements Store {
  private readonly options: EtcdStoreOptions
  private readonly clock: Clock
  private readonly client: EtcdClient
  private readonly feed: EtcdFeed
  private readonly leases: LeasePool
  private readonly drafts = new Drafts()
  private readonly stopping = new AbortController()
  /** Settles when etcd has answered the last question, however. */
  private asking: Promise<unknown> = Promise.resolve()
  private nextQuestion: Promise<number> | undefined
  private askers = 0

  constructor(options: EtcdStoreOptions) {
    const { endpoints, tls, logger, callTimeoutMs, windowEvents, windowBytes, clock = systemClock } = options
    super(
      new ObjectCache({
        clock,
        logger,
        ...(windowEvents !== undefined && { windowEvents }),
        ...(windowBytes !== undefined && { windowBytes }),
      }),
    )
    this.options = options
    this.clock = clock
    this.client = new EtcdClient({ endpoints, tls, logger, clock, ...(callTimeoutMs !== undefined && { callTimeoutMs }) })
    this.leases = new LeasePool((ttlSeconds) => this.client.grantLease(ttlSeconds), clock)
    this.feed = new EtcdFeed({
      client: this.client,
      cache: this.cache,
      clock,
      logger,
      toChange: (kv, type) => this.toChange(kv, type),
      onReplace: () => this.drafts.clear(),
    })
  }

  async start(): Promise<void> {
    await this.feed.start()
    const { logger, compactionIntervalMs: intervalMs = FIVE_MINUTES_MS } = this.options
    if (intervalMs > 0) void runCompactor(this.client, { intervalMs, clock: this.clock, logger, signal: this.stopping.signal })
  }

  stop(): Promise<void> {
    this.stopping.abort()
    this.feed.stop()
    this.cache.stop()
    this.client.close()
    return Promise.resolve()
  }

  async healthy(): Promise<string | null> {
    if (this.feed.problem) return this.feed.problem
    try {
      await this.current()
      return null
    } catch (error) {
      return messageOf(error)
    }
  }

  async current(): Promise<number> {
    const revision = await this.askRevision()
    await this.cache.reached(revision, this.client.callTimeoutMs)
    return revision
  }

  async listAt(prefix: string, revision: number, startKey: string, limit: number) {
    const entries: Entry[] = []
    let key = startKey > prefix ? startKey : prefix
    try {
      for (;;) {
        const wanted = limit > 0 ? Math.min(LARGEST_PAGE, limit - entries.length) : LARGEST_PAGE
        const page = await this.client.range({ key, rangeEnd: prefixEnd(prefix), limit: wanted, revision })
        for (const kv of page.kvs) entries.push(this.entryOf(kv))
        const remaining = page.count - page.kvs.length
        if (!page.more || (limit > 0 && entries.length >= limit)) return { entries, more: page.more, remaining }
        key = `${page.kvs.at(-1)!.key}\0`
      }
    } catch (error) {
      if (isCompacted(error)) throw expired('The resourceVersion for the provided list is too old.')
      throw toStatus(error)
    }
  }

  create(key: string, object: KubeObject, options: WriteOptions = {}): Promise<WriteResult> {
    return this.put(draftOf(this.cache.resourceOf(key), key, object), 0, options)
  }

  update(key: string, object: KubeObject, expected: number, options: WriteOptions = {}): Promise<WriteResult> {
    const draft = draftOf(this.cache.resourceOf(key), key, object)
    const cached = this.cache.get(key)
    const same = !options.ttlSeconds && cached?.revision === expected && cached.holds(draft.value)
    return same ? this.confirm(cached, draft) : this.put(draft, expected, options)
  }

  async delete(key: string, expected: number): Promise<WriteResult> {
    const cached = this.cache.get(key)
    const known = cached?.revision === expected ? cached : undefined
    const answer = await this.txn(key, expected, { type: 'delete', key, previous: !known })
    if (!answer.succeeded) return this.refused(answer)
    const last = known ?? this.entryOf(answer.kvs[0]!)
    return { ok: true, entry: last.at(answer.header.revision) }
  }

  private async put(draft: Draft, expected: number, { ttlSeconds }: WriteOptions): Promise<WriteResult> {
    const { key } = draft
    const value = this.transformerOf(key)?.encode(key, draft.value) ?? draft.value
    this.drafts.add(key, value, draft)
    let kept = false
    try {
      const answer = await this.putTxn(key, value, expected, ttlSeconds)
      if (!answer.succeeded) return this.refused(answer)
      // The event may still be to come: it takes the draft.
      kept = true
      return { ok: true, entry: draft.at(answer.header.revision) }
    } finally {
      if (!kept) this.drafts.remove(key, draft)
    }
  }

  private async putTxn(key: string, value: Buffer, expected: number, ttlSeconds: number | undefined): Promise<TxnResponse> {
    if (!ttlSeconds) return this.txn(key, expected, { type: 'put', key, value })
    for (let attempt = 1; ; attempt++) {
      try {
        const lease = await this.leases.leaseFor(ttlSeconds)
        return await this.txn(key, expected, { type: 'put', key, value, lease })
      } catch (error) {
        const unknownLease = error instanceof ApiError && isLeaseNotFound(error.cause)
        // Etcd refused before it wrote anything, so this is not a repetition.
        if (!unknownLease || attempt > 1) throw toStatus(error)
        this.leases.drop(ttlSeconds)
      }
    }
  }

  /** An update that changes nothing: only whether the base is still the current version, and stored as it would be today. */
  private async confirm(entry: Entry, draft: Draft): Promise<WriteResult> {
    const transformer = this.transformerOf(entry.key)
    const answer = await this.txn(entry.key, entry.revision, { type: 'range', key: entry.key })
    if (!answer.succeeded) return this.refused(answer)
    const stored = answer.kvs[0]!.value
    return !transformer || transformer.isCurrent?.(stored) ? { ok: true, entry } : this.put(draft, entry.revision, {})
  }

  private async txn(key: string, expected: number, success: TxnOperation): Promise<TxnResponse> {
    try {
      return await this.client.txn({
        compare: { key, target: 'modRevision', equals: expected },
        success,
        failure: { type: 'range', key },
      })
    } catch (error) {
      throw toStatus(error)
    }
  }

  private refused(answer: TxnResponse): WriteResult {
    const [kv] = answer.kvs
    return { ok: false, current: kv && this.entryOf(kv) }
  }

  private entryOf(kv: KeyValue) {
    const cached = this.cache.get(kv.key)
    if (cached?.revision === kv.modRevision) return cached
    return draftFrom(this.cache.resourceOf(kv.key), kv.key, this.decoded(kv)).at(kv.modRevision)
  }

  private toChange(kv: KeyValue, type: WatchEvent['type']): Change {
    const { key, modRevision: revision } = kv
    if (type === 'delete') return { key, revision, value: undefined }
    if (!key.startsWith(REGISTRY)) return { key, revision, value: kv.value }
    const draft = this.drafts.take(key, kv.value)
    if (draft) return { key, revision, value: draft.value, draft }
    try {
      return { key, revision, value: this.decoded(kv) }
    } catch (error) {
      return { key, revision, value: undefined, unreadable: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  private decoded({ key, value }: KeyValue): Buffer {
    return this.transformerOf(key)?.decode(key, value) ?? value
  }

  private transformerOf(key: string) {
    const { transformers } = this.options
    return transformers && transformers.size > 0 ? transformers.get(resourcePrefix(key) ?? '') : undefined
  }

  /** One question at a time. A caller joins the next one: the answer of the one in flight may be older than the call. */
  private askRevision(): Promise<number> {
    this.askers++
    return (this.nextQuestion ??= this.askTogether())
  }

  /**
   * A question costs etcd and us ten times what a read does, so it waits a little for company: while each turn of the event loop
   * brings more readers, whom the last answer has just set free to ask again, and for a few turns at most.
   */
  private async askTogether(): Promise<number> {
    await this.asking
    for (let turn = 0, known = 0; turn < GATHERING_TURNS && this.askers > known; turn++) {
      known = this.askers
      await nextTurn()
    }
    this.askers = 0
    this.nextQuestion = undefined
    const question = this.ask()
    this.asking = question.catch(() => {})
    return question
  }

  private async ask(): Promise<number> {
    try {
      const { header } = await this.client.range({ key: REGISTRY, keysOnly: true })
      return header.revision
    } catch (error) {
      throw toStatus(error)
    }
  }
}

function toStatus(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const late = (error instanceof EtcdError && error.code === GRPC.deadlineExceeded) || isFutureRevision(error)
  const status = late ? timeout(`the store did not answer: ${(error as Error).message}`) : internalError(error)
  return Object.assign(status, { cause: error })
}
