/**
 * The questions that the store asks etcd, each with a deadline. Reads are asked again while time is left; writes only when
 * etcd said that it refused them for want of a leader, never when it may have acted on them.
 *
 * Traps that this and its users avoid: a watch must resume from the mod_revision of the last event, never from a header's revision,
 * which may be ahead of events on their way; a compacted watch ends with an empty cancel that only carries `compact_revision`;
 * progress notifications of etcd 3.4 can overtake events, so nothing here asks for them.
 */
import type { Clock } from '../../component/clock.ts'
import { EtcdConnection, type EtcdConnectionOptions, type EtcdStream } from './etcd-connection.ts'
import { EtcdError, GRPC } from './etcd-error.ts'
import * as messages from './etcd-messages.ts'

const RANGE = '/etcdserverpb.KV/Range'
const TXN = '/etcdserverpb.KV/Txn'
const COMPACT = '/etcdserverpb.KV/Compact'
const LEASE_GRANT = '/etcdserverpb.Lease/LeaseGrant'
const WATCH = '/etcdserverpb.Watch/Watch'

/** A member without a leader gets one, or another member is asked. */
const REPEAT_MS = 50
/** Above any id that a human would choose, and exact as a number. */
const LEASE_IDS = 2 ** 47

export interface EtcdClientOptions extends EtcdConnectionOptions {
  callTimeoutMs?: number
}

export class EtcdClient {
  private readonly connection: EtcdConnection
  private readonly clock: Clock
  readonly callTimeoutMs: number

  constructor({ callTimeoutMs = 5_000, ...options }: EtcdClientOptions) {
    this.clock = options.clock
    this.connection = new EtcdConnection(options)
    this.callTimeoutMs = callTimeoutMs
  }

  async range(request: messages.RangeRequest): Promise<messages.RangeResponse> {
    return messages.decodeRange(await this.call(RANGE, messages.encodeRange(request), lostUnderWay))
  }

  async txn(request: messages.TxnRequest): Promise<messages.TxnResponse> {
    return messages.decodeTxn(await this.call(TXN, messages.encodeTxn(request), ({ refused }) => refused))
  }

  async compact(revision: number): Promise<void> {
    await this.connection.call(COMPACT, messages.encodeCompaction(revision), this.callTimeoutMs)
  }

  /** Answers the new lease's id. */
  async grantLease(ttlSeconds: number): Promise<number> {
    const id = 1 + Math.floor(Math.random() * LEASE_IDS)
    await this.connection.call(LEASE_GRANT, messages.encodeLeaseGrant(ttlSeconds, id), this.callTimeoutMs)
    return id
  }

  watch(
    request: messages.WatchCreate,
    onResponse: (response: messages.WatchResponse) => void,
    onEnd: (reason: EtcdError) => void,
  ): Promise<EtcdStream> {
    return this.connection.stream(
      WATCH,
      messages.encodeWatchCreate(request),
      { onMessage: (message) => onResponse(messages.decodeWatch(message)), onEnd },
      this.callTimeoutMs,
    )
  }

  close(): void {
    this.connection.close()
  }

  private async call(path: string, frame: Buffer, mayRepeat: (error: EtcdError) => boolean): Promise<Buffer> {
    const deadline = Date.now() + this.callTimeoutMs
    for (;;) {
      try {
        return await this.connection.call(path, frame, Math.max(1, deadline - Date.now()))
      } catch (error) {
        if (!(error instanceof EtcdError) || !mayRepeat(error) || Date.now() + 2 * REPEAT_MS >= deadline) throw error
        await this.clock.sleep(REPEAT_MS)
      }
    }
  }
}

const lostUnderWay = ({ code, sent }: EtcdError): boolean => code === GRPC.unavailable && sent

export const isCompacted = (error: unknown): boolean =>
  error instanceof EtcdError && error.code === GRPC.outOfRange && error.message.includes('compacted')

export const isFutureRevision = (error: unknown): boolean =>
  error instanceof EtcdError && error.code === GRPC.outOfRange && error.message.includes('future revision')

export const isLeaseNotFound = (error: unknown): boolean => error instanceof EtcdError && error.code === GRPC.notFound
