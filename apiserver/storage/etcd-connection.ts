/**
 * gRPC to one of several etcd endpoints: single calls with a deadline, and one kind of stream.
 *
 * Why neither etcd3 nor grpc-js: etcd3's layers repeat writes, open circuit breakers and move watches (all wrong here), and what
 * is then left of both is the transport, which costs more than all else that a write does; see docs/performance-storage.md.
 *
 * Nothing is ever repeated here. A call fails with `sent` true when etcd may have acted on it.
 */
import { isIP } from 'node:net'
import * as tls from 'node:tls'
import { messageOf } from '../../api/error-message.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { EtcdError, GRPC } from './etcd-error.ts'
import { GrpcSession, type Call } from './grpc-session.ts'
import { afterPendingInput, SessionWatchdog } from './session-watchdog.ts'

export interface EtcdTls {
  /** PEM. */
  ca: string | Buffer
  cert: string | Buffer
  key: string | Buffer
}

export interface EtcdConnectionOptions {
  /** `https://host:port`: one is used at a time, the next when it fails. */
  endpoints: readonly string[]
  tls: EtcdTls
  clock: Clock
  logger: Logger
}

export interface StreamHandlers {
  onMessage: (message: Buffer) => void
  /** Once, whatever ended it, `close` too. */
  onEnd: (reason: EtcdError) => void
}

export interface EtcdStream {
  close(): void
}

const CONNECT_MS = 2_000
const RETRY_MS = 100

export class EtcdConnection {
  private readonly options: EtcdConnectionOptions
  private session: GrpcSession | undefined
  private watchdog: SessionWatchdog | undefined
  private opening: Promise<GrpcSession> | undefined
  private readonly streams = new Map<Call, GrpcSession>()
  private endpoint = 0
  private closed = false

  constructor(options: EtcdConnectionOptions) {
    if (options.endpoints.length === 0) throw new Error('Cannot connect to etcd: no endpoint is given')
    this.options = options
  }

  /** `frame` is a request with its gRPC frame; answers the response's message. */
  async call(path: string, frame: Buffer, timeoutMs: number): Promise<Buffer> {
    const deadline = Date.now() + timeoutMs
    const session = this.ready() ?? (await this.waitForSession(deadline))
    return this.exchange(session, path, frame, Math.max(1, deadline - Date.now()))
  }

  async stream(path: string, frame: Buffer, handlers: StreamHandlers, timeoutMs: number): Promise<EtcdStream> {
    const session = this.ready() ?? (await this.waitForSession(Date.now() + timeoutMs))
    const stream = session.call(path, frame, false, {
      onMessage: handlers.onMessage,
      onEnd: (failure) => {
        this.streams.delete(stream)
        const reason = failure ?? new EtcdError(GRPC.unavailable, 'the stream ended', true)
        if (reason.refused) this.moveOn(session)
        handlers.onEnd(reason)
      },
    })
    this.streams.set(stream, session)
    return { close: () => stream.cancel() }
  }

  close(): void {
    this.closed = true
    this.session?.destroy()
  }

  private ready(): GrpcSession | undefined {
    const { session } = this
    return session && !session.closed && !session.destroyed ? session : undefined
  }

  private exchange(session: GrpcSession, path: string, frame: Buffer, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let message: Buffer | undefined
      let givenUp = false
      const { watchdog } = this
      watchdog?.callStarted()
      const call = session.call(path, frame, true, {
        onMessage: (received) => (message = received),
        onEnd: (failure) => {
          clearTimeout(timer)
          watchdog?.callEnded(!givenUp)
          if (failure?.code === GRPC.unavailable) this.moveOn(session)
          if (givenUp) reject(new EtcdError(GRPC.deadlineExceeded, 'etcd did not answer in time', true))
          else if (failure) reject(failure)
          else if (message) resolve(message)
          else reject(new EtcdError(GRPC.unavailable, 'etcd answered without a message', true))
        },
      })
      const giveUp = () => {
        givenUp = true
        call.cancel()
      }
      const timer = setTimeout(() => afterPendingInput(giveUp), timeoutMs)
    })
  }

  /**
   * This member cannot serve now (no leader, no answer in time, or the connection is gone): new calls go to the next one.
   * What waits here may still be answered before its deadline. Streams have none, and resume elsewhere: they end.
   */
  private moveOn(session: GrpcSession): void {
    if (this.session !== session) return
    this.session = undefined
    this.endpoint++
    for (const [stream, on] of this.streams) if (on === session) stream.cancel()
    session.close()
  }

  private async waitForSession(deadline: number): Promise<GrpcSession> {
    for (;;) {
      if (this.closed) throw new EtcdError(GRPC.cancelled, 'the connection to etcd was closed', false)
      try {
        this.opening ??= this.open().finally(() => (this.opening = undefined))
        return await beforeDeadline(this.opening, deadline)
      } catch (error) {
        if (Date.now() + RETRY_MS >= deadline) {
          const why = messageOf(error)
          throw new EtcdError(GRPC.unavailable, `etcd cannot be reached: ${why}`, false)
        }
        await this.options.clock.sleep(RETRY_MS)
      }
    }
  }

  /** Tries every endpoint once, from the current one on. */
  private async open(): Promise<GrpcSession> {
    let failure: unknown
    for (let attempt = 0; attempt < this.options.endpoints.length; attempt++) {
      const endpoint = this.options.endpoints[this.endpoint % this.options.endpoints.length]!
      try {
        const session = await connect(new URL(endpoint), this.options.tls, (error) => this.ended(session, endpoint, error))
        if (this.closed) {
          session.destroy()
          throw new EtcdError(GRPC.cancelled, 'the connection to etcd was closed', false)
        }
        this.adopt(session)
        return session
      } catch (error) {
        failure = error
        this.endpoint++
      }
    }
    throw failure
  }

  private adopt(session: GrpcSession): void {
    this.session = session
    this.watchdog = new SessionWatchdog(session, this.options.clock)
  }

  private ended(session: GrpcSession, endpoint: string, error: Error | undefined): void {
    if (error) this.options.logger.warn('The connection to etcd failed', { endpoint, error: error.message })
    if (this.session !== session) return
    this.session = undefined
    this.endpoint++
  }
}

function beforeDeadline<T>(promise: Promise<T>, deadline: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no connection in time')), Math.max(0, deadline - Date.now()))
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** `onEnd` is told of the end of a connection that stood. */
function connect(url: URL, { ca, cert, key }: EtcdTls, onEnd: (error: Error | undefined) => void): Promise<GrpcSession> {
  if (url.protocol !== 'https:') throw new Error(`Cannot connect to ${url.href}: etcd is only spoken to over TLS`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host,
      port: Number(url.port || 2379),
      ca,
      cert,
      key,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2'],
      ...(isIP(host) ? {} : { servername: host }),
    })
    socket.setNoDelay(true)
    let stands = false
    const timer = setTimeout(() => socket.destroy(new Error(`${url.host} does not answer`)), CONNECT_MS)
    const session = new GrpcSession(socket, url.host, {
      onReady() {
        stands = true
        clearTimeout(timer)
        resolve(session)
      },
      onClose(error) {
        clearTimeout(timer)
        if (stands) onEnd(error)
        else reject(error ?? new Error(`${url.host} closed the connection`))
      },
    })
  })
}
