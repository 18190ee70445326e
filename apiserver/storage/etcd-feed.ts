/**
 * Keeps the cache equal to etcd: one list, then one watch, resumed from the last applied revision however often it breaks.
 *
 * The watch covers every key of etcd, not only `/registry/`: each revision then has an event, and the cache knows that it has
 * reached a revision without trusting progress notifications. Other keys only advance the revision.
 */
import type { Clock } from '../../component/clock.ts'
import { computeBackoff } from '../../component/backoff.ts'
import type { Logger } from '../../component/logger.ts'
import { isCompacted, type EtcdClient } from './etcd-client.ts'
import type { EtcdStream } from './etcd-connection.ts'
import { EtcdError } from './etcd-error.ts'
import { ALL_KEYS, prefixEnd, type KeyValue, type RangeResponse, type WatchEvent, type WatchResponse } from './etcd-messages.ts'
import { REGISTRY, type Change, type ObjectCache, type Prepared } from './object-cache.ts'

/** Etcd counts what is left of the range for every page, so pages are large; their size is bounded by what the last one weighed. */
const FIRST_PAGE = 100
const LARGEST_PAGE = 10_000
const PAGE_BYTES = 8 * 2 ** 20
const BACKOFF = { initialMs: 50, maxMs: 2_000, jitter: 0.2 }

export interface EtcdFeedOptions {
  client: EtcdClient
  cache: ObjectCache
  clock: Clock
  logger: Logger
  /** Decodes what is stored, and pairs it with the writer's draft when the write is ours. */
  toChange: (kv: KeyValue, type: WatchEvent['type']) => Change
  /** The cache was filled anew: no event of before will come. */
  onReplace: () => void
}

/** Why a watch cannot go on where it was. */
type End = { lost: true } | { lost: false; error: Error }

export class EtcdFeed {
  private readonly options: EtcdFeedOptions
  private stream: EtcdStream | undefined
  private stopped = new AbortController()
  /** Null while events flow. */
  problem: string | null = 'the cache is not filled yet'
  private onLive = () => {}
  private failures = 0
  private clusterId = ''

  constructor(options: EtcdFeedOptions) {
    this.options = options
  }

  /**
   * Resolves when the cache holds everything and events flow; goes on until `stop`. Waits for an etcd that is not there yet;
   * rejects when an object cannot be read (a wrong encryption key, say), since serving without it would lie.
   */
  async start(): Promise<void> {
    const live = new Promise<void>((resolve) => (this.onLive = resolve))
    await this.until(
      () => this.relist(),
      (error) => !(error instanceof EtcdError),
    )
    void this.run()
    await live
  }

  stop(): void {
    this.stopped.abort()
    this.onLive()
    this.stream?.close()
  }

  private async run(): Promise<void> {
    const { clock, logger } = this.options
    while (!this.stopped.signal.aborted) {
      const before = this.options.cache.revision()
      const end = await this.watchOnce()
      if (this.stopped.signal.aborted) return
      if (end.lost) {
        this.problem = 'the cache is being filled anew: history was lost'
        logger.warn('History was lost: reading everything again', { revision: before })
        await this.until(
          () => this.relist(),
          () => false,
        )
        continue
      }
      this.problem = `the watch on etcd is interrupted: ${end.error.message}`
      logger.warn('The watch on etcd is interrupted', { revision: this.options.cache.revision(), reason: end.error.message })
      await clock.sleep(computeBackoff(BACKOFF, this.failures++, Math.random()), this.stopped.signal)
    }
  }

  private async watchOnce(): Promise<End> {
    const { client, cache } = this.options
    return new Promise<End>((resolve) => {
      let lost = false
      let pending: WatchEvent[] = []
      const take = (response: WatchResponse) => {
        if (response.compactRevision > 0) lost = true
        if (response.canceled || response.compactRevision > 0) return this.stream?.close()
        if (response.created) {
          this.problem = null
          this.confirm(() => (lost = true))
        }
        pending = pending.length > 0 ? pending.concat(response.events) : response.events
        // The rest of the last revision is still to come.
        if (response.fragment) return
        const events = pending
        pending = []
        if (events.length > 0) cache.apply(events.map(({ kv, type }) => this.options.toChange(kv, type)))
      }
      client
        .watch({ key: ALL_KEYS, rangeEnd: ALL_KEYS, startRevision: cache.revision() + 1 }, take, (error) =>
          resolve(lost ? { lost: true } : { lost: false, error }),
        )
        .then(
          (stream) => {
            this.stream = stream
            if (this.stopped.signal.aborted) stream.close()
          },
          (error: Error) => resolve({ lost: false, error }),
        )
    })
  }

  /** In an etcd restored from a backup, or in another one, revisions mean other things than in the cache. */
  private confirm(onOther: () => void): void {
    const { client, cache, logger } = this.options
    // Of the moment of asking: events may overtake the answer.
    const known = cache.revision()
    client.range({ key: REGISTRY, keysOnly: true }).then(
      ({ header }) => {
        if (header.revision < known || header.clusterId !== this.clusterId) {
          onOther()
          this.stream?.close()
        } else {
          this.failures = 0
          this.onLive()
        }
      },
      (error: Error) => {
        logger.warn('Cannot ask etcd for its revision', { reason: error.message })
        this.stream?.close()
      },
    )
  }

  private async relist(): Promise<void> {
    const { client, cache } = this.options
    const present: Prepared[] = []
    const rangeEnd = prefixEnd(REGISTRY)
    const ask = (key: string, revision: number, limit: number) => {
      const page = client.range({ key, rangeEnd, limit, revision })
      // Awaited a page later; should this page be unreadable, nobody will.
      page.catch(() => {})
      return page
    }
    let next: Promise<RangeResponse> | undefined = ask(REGISTRY, 0, FIRST_PAGE)
    let revision = 0
    while (next) {
      const { header, kvs, more }: RangeResponse = await next
      revision ||= header.revision
      this.clusterId = header.clusterId
      // Etcd reads the next page while this one is parsed.
      next = more ? ask(`${kvs.at(-1)!.key}\0`, revision, pageAfter(kvs)) : undefined
      for (const kv of kvs) present.push(cache.prepare(this.options.toChange(kv, 'put')))
    }
    this.options.onReplace()
    cache.replace(present, revision)
  }

  /** Repeats what fails until it is done or the feed is stopped. */
  private async until(attempt: () => Promise<void>, isFinal: (error: unknown) => boolean): Promise<void> {
    for (let failures = 1; !this.stopped.signal.aborted; failures++) {
      try {
        return await attempt()
      } catch (error) {
        if (isFinal(error)) throw error
        const { message } = error as Error
        this.problem = `the cache cannot be filled: ${message}`
        if (!isCompacted(error)) this.options.logger.warn('Cannot read etcd: trying again', { reason: message })
        await this.options.clock.sleep(computeBackoff(BACKOFF, failures, Math.random()), this.stopped.signal)
      }
    }
  }
}

function pageAfter(kvs: readonly KeyValue[]): number {
  const bytes = kvs.reduce((sum, { value }) => sum + value.length, 0)
  return Math.max(FIRST_PAGE, Math.min(LARGEST_PAGE, Math.floor((PAGE_BYTES * kvs.length) / Math.max(1, bytes))))
}
