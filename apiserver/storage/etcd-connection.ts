/**
 * gRPC to one of several etcd endpoints, over Node's own HTTP/2: single calls with a deadline, and one kind of stream.
 *
 * Why neither etcd3 nor grpc-js: etcd3's layers repeat writes, open circuit breakers and move watches (all wrong here), and what
 * is then left of both is the transport. Measured with 16 creates in flight: proto-loader and grpc-js 190 µs of CPU a call, grpc-js
 * with our own codec 168 µs, this 88 µs, on the thread that also serves the API.
 *
 * Nothing is ever repeated here. A call fails with `sent` true when etcd may have acted on it.
 */
import * as http2 from 'node:http2'
import { isIP } from 'node:net'
import * as tls from 'node:tls'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { FrameReader } from './grpc-frames.ts'
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

/** gRPC's status codes that mean something here. */
export const GRPC = { ok: 0, cancelled: 1, deadlineExceeded: 4, notFound: 5, outOfRange: 11, unavailable: 14 } as const

export class EtcdError extends Error {
  override readonly name = 'EtcdError'
  readonly code: number
  /** Etcd may have acted on the request: a write must not be taken for failed. */
  readonly sent: boolean

  constructor(code: number, message: string, sent: boolean) {
    super(message)
    this.code = code
    this.sent = sent
  }

  /** Etcd has answered that it did not begin: the same call may be made again, a write too. */
  get refused(): boolean {
    return this.code === GRPC.unavailable && this.message === NO_LEADER
  }
}

export interface StreamHandlers {
  onMessage: (message: Buffer) => void
  /** Once, whatever ended it, `close` too. */
  onEnd: (reason: EtcdError) => void
}

export interface EtcdStream {
  close(): void
}

const NO_LEADER = 'etcdserver: no leader'
const CONNECT_MS = 2_000
const RETRY_MS = 100
/** Pages are about a megabyte; the default window of 64 KiB would stop for a round trip sixteen times a page. */
const WINDOW = 16 * 2 ** 20

export class EtcdConnection {
  private readonly options: EtcdConnectionOptions
  private session: http2.ClientHttp2Session | undefined
  private watchdog: SessionWatchdog | undefined
  private opening: Promise<http2.ClientHttp2Session> | undefined
  private readonly streams = new Set<http2.ClientHttp2Stream>()
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
    const stream = session.request(headersOf(path))
    const answer = readAnswer(stream, handlers.onMessage)
    this.streams.add(stream)
    stream.on('close', () => {
      this.streams.delete(stream)
      const reason = answer.failure() ?? new EtcdError(GRPC.unavailable, 'the stream ended', true)
      if (reason.refused) this.moveOn(session)
      handlers.onEnd(reason)
    })
    stream.write(frame)
    return { close: () => cancel(stream) }
  }

  close(): void {
    this.closed = true
    this.session?.destroy()
  }

  private ready(): http2.ClientHttp2Session | undefined {
    const { session } = this
    return session && !session.closed && !session.destroyed ? session : undefined
  }

  private exchange(session: http2.ClientHttp2Session, path: string, frame: Buffer, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = session.request(headersOf(path))
      let message: Buffer | undefined
      let givenUp = false
      const answer = readAnswer(stream, (received) => (message = received))
      // Not left to the stream's end: a session that died silently does not end its streams either.
      const giveUp = () => {
        givenUp = true
        reject(new EtcdError(GRPC.deadlineExceeded, 'etcd did not answer in time', true))
        cancel(stream)
      }
      const timer = setTimeout(() => afterPendingInput(giveUp), timeoutMs)
      const { watchdog } = this
      watchdog?.callStarted()
      stream.on('close', () => {
        clearTimeout(timer)
        watchdog?.callEnded(!givenUp)
        const failure = answer.failure()
        if (failure?.code === GRPC.unavailable) this.moveOn(session)
        if (failure) reject(failure)
        else if (message) resolve(message)
        else reject(new EtcdError(GRPC.unavailable, 'etcd answered without a message', true))
      })
      stream.end(frame)
    })
  }

  /**
   * This member cannot serve now (no leader, no answer in time, or the connection is gone): new calls go to the next one.
   * What waits here may still be answered before its deadline. Streams have none, and resume elsewhere: they end.
   */
  private moveOn(session: http2.ClientHttp2Session): void {
    if (this.session !== session) return
    this.session = undefined
    this.endpoint++
    for (const stream of this.streams) if (stream.session === session) cancel(stream)
    session.close()
  }

  private async waitForSession(deadline: number): Promise<http2.ClientHttp2Session> {
    for (;;) {
      if (this.closed) throw new EtcdError(GRPC.cancelled, 'the connection to etcd was closed', false)
      try {
        this.opening ??= this.open().finally(() => (this.opening = undefined))
        return await beforeDeadline(this.opening, deadline)
      } catch (error) {
        if (Date.now() + RETRY_MS >= deadline) {
          const why = error instanceof Error ? error.message : String(error)
          throw new EtcdError(GRPC.unavailable, `etcd cannot be reached: ${why}`, false)
        }
        await this.options.clock.sleep(RETRY_MS)
      }
    }
  }

  /** Tries every endpoint once, from the current one on. */
  private async open(): Promise<http2.ClientHttp2Session> {
    let failure: unknown
    for (let attempt = 0; attempt < this.options.endpoints.length; attempt++) {
      const endpoint = this.options.endpoints[this.endpoint % this.options.endpoints.length]!
      try {
        const session = await connect(new URL(endpoint), this.options.tls)
        if (this.closed) {
          session.destroy()
          throw new EtcdError(GRPC.cancelled, 'the connection to etcd was closed', false)
        }
        this.adopt(session, endpoint)
        return session
      } catch (error) {
        failure = error
        this.endpoint++
      }
    }
    throw failure
  }

  private adopt(session: http2.ClientHttp2Session, endpoint: string): void {
    const { clock, logger } = this.options
    this.session = session
    session.setLocalWindowSize(WINDOW)
    session.on('error', (error) => logger.warn('The connection to etcd failed', { endpoint, error: error.message }))
    this.watchdog = new SessionWatchdog(session, clock)
    session.on('close', () => {
      if (this.session !== session) return
      this.session = undefined
      this.endpoint++
    })
  }
}

const headersOf = (path: string) => ({
  ':method': 'POST',
  ':path': path,
  'content-type': 'application/grpc',
  te: 'trailers',
  // A member that has lost its leader then says so at once, and ends streams, instead of keeping both waiting.
  hasleader: 'true',
})

/** Destroyed too: on a connection that died silently, closing alone would wait for the peer. */
function cancel(stream: http2.ClientHttp2Stream): void {
  stream.close(http2.constants.NGHTTP2_CANCEL)
  stream.destroy()
}

function beforeDeadline<T>(promise: Promise<T>, deadline: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no connection in time')), Math.max(0, deadline - Date.now()))
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function connect(url: URL, { ca, cert, key }: EtcdTls): Promise<http2.ClientHttp2Session> {
  if (url.protocol !== 'https:') throw new Error(`Cannot connect to ${url.href}: etcd is only spoken to over TLS`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const session = http2.connect(url, {
      settings: { enablePush: false, initialWindowSize: WINDOW },
      createConnection: () =>
        tls
          .connect({
            host,
            port: Number(url.port || 2379),
            ca,
            cert,
            key,
            minVersion: 'TLSv1.2',
            ALPNProtocols: ['h2'],
            ...(isIP(host) ? {} : { servername: host }),
          })
          .setNoDelay(true),
    })
    const timer = setTimeout(() => session.destroy(new Error(`${url.host} does not answer`)), CONNECT_MS)
    session.once('error', reject)
    session.once('close', () => reject(new Error(`${url.host} closed the connection`)))
    session.once('remoteSettings', () => {
      clearTimeout(timer)
      session.removeListener('error', reject)
      resolve(session)
    })
    session.once('close', () => clearTimeout(timer))
  })
}

/** Reads an answer's messages as they come; `failure` says after the end why it was none, or undefined. */
function readAnswer(stream: http2.ClientHttp2Stream, onMessage: (message: Buffer) => void) {
  const frames = new FrameReader(onMessage)
  let status: number | undefined
  let text = ''
  let broken: Error | undefined
  const take = (headers: http2.IncomingHttpHeaders) => {
    if (headers['grpc-status'] === undefined) return
    status = Number(headers['grpc-status'])
    text = percentDecoded(String(headers['grpc-message'] ?? ''))
  }
  stream.on('response', take)
  stream.on('trailers', take)
  stream.on('data', (chunk: Buffer) => {
    try {
      frames.push(chunk)
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error))
      stream.close(http2.constants.NGHTTP2_PROTOCOL_ERROR)
    }
  })
  stream.on('error', (error: Error) => (broken ??= error))
  return {
    failure(): EtcdError | undefined {
      if (broken) return new EtcdError(GRPC.unavailable, broken.message, true)
      if (status === undefined) return new EtcdError(GRPC.unavailable, 'the connection to etcd was lost', true)
      return status === GRPC.ok ? undefined : new EtcdError(status, text, true)
    },
  }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not encoded after all: gRPC asks to show it as it is.
    return text
  }
}
