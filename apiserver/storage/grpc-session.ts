/**
 * One HTTP/2 connection (RFC 9113) that carries gRPC calls: what they need of the protocol, and no more.
 *
 * Node's http2 makes a stream object with two Node streams for each call, and writes headers and body of each on its own: 215 µs of
 * CPU for a call that is alone, which on a server with one thread is what a consistent read costs. Here a call is a few fields, and
 * everything that one turn of the event loop has to say goes out in one write.
 *
 * Whatever breaks the protocol ends the connection: all its calls fail as sent, and the owner connects anew.
 */
import type { Duplex } from 'node:stream'
import { messageOf } from '../../api/error-message.ts'
import { EtcdError, GRPC } from './etcd-error.ts'
import { FrameReader } from './grpc-frames.ts'
import { encodeHeaders, HeaderDecoder, type Header } from './hpack.ts'

export interface CallHandlers {
  onMessage: (message: Buffer) => void
  /** Once, and the last thing said; undefined when the peer ended it well. */
  onEnd: (failure: EtcdError | undefined) => void
}

export interface SessionHandlers {
  /** The peer has introduced itself. Called again whenever it says more of itself. */
  onReady: () => void
  /** Once, after the end of every call. */
  onClose: (error: Error | undefined) => void
}

export interface Call {
  /** Tells the peer that nobody waits any more; `onEnd` hears of it as a failure. */
  cancel(): void
}

interface ActiveCall {
  /** 0 while the peer has no room for it. */
  id: number
  readonly path: string
  readonly handlers: CallHandlers
  readonly frames: FrameReader
  /** What the peer's flow control keeps from being sent, and whether it is the end. */
  unsent: Buffer
  endAfter: boolean
  /** Bytes that the peer still takes, and that it sent since it was last told that it may go on. */
  sendWindow: number
  received: number
  status: number | undefined
  message: string
}

const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const
const SETTING = { enablePush: 2, maxConcurrentStreams: 3, initialWindowSize: 4, maxFrameSize: 5 } as const
const CANCEL = 8

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const FRAME_HEADER = 9
const DEFAULT_WINDOW = 65_535
const LARGEST_FRAME = 16_384
const LARGEST_HEADERS = 64 * 1024
/** Pages are megabytes; the default window would stop for a round trip sixteen times a megabyte. */
const WINDOW = 16 * 2 ** 20
const LAST_STREAM = 2 ** 31 - 1
/**
 * gRPC's servers measure the connection by a ping at the first data after the last one's answer. Answered at once, that is two packets
 * more for each round of calls, and they wake both sides; whether the peer is alive is asked with seconds to answer.
 */
const ANSWER_PING_MS = 100
const NOTHING = Buffer.alloc(0)

export class GrpcSession {
  private readonly socket: Duplex
  private readonly authority: string
  private readonly calls = new Map<number, ActiveCall>()
  private readonly decoder = new HeaderDecoder()
  private readonly requestHeads = new Map<string, Buffer>()
  private readonly pings: (() => void)[] = []
  private readonly handlers: SessionHandlers
  /** Calls that wait for the peer's permission to send, in order. */
  private blocked: ActiveCall[] = []
  /** Calls that the peer has no room for yet, in order. */
  private waiting: ActiveCall[] = []
  private nextId = 1
  private out: Buffer[] = []
  private writing = false
  private input: Buffer = NOTHING
  private sendWindow = DEFAULT_WINDOW
  private peerWindow = DEFAULT_WINDOW
  private peerFrame = LARGEST_FRAME
  private peerStreams = Infinity
  private received = 0
  /** A header block whose continuation is still to come. */
  private block: { id: number; parts: Buffer[]; size: number; ends: boolean } | undefined
  /** No call begins any more. */
  closed = false
  destroyed = false

  private readonly watched: (() => void)[] = []

  constructor(socket: Duplex, authority: string, handlers: SessionHandlers) {
    this.socket = socket
    this.authority = authority
    this.handlers = handlers
    let failure: Error | undefined
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('error', (error) => (failure ??= error))
    socket.on('close', () => this.finish(failure))
    this.out.push(PREFACE, settings([SETTING.enablePush, 0], [SETTING.initialWindowSize, WINDOW]))
    this.send(windowUpdate(0, WINDOW - DEFAULT_WINDOW))
  }

  /** `message` has its gRPC frame. `ends`: it is all that will be sent. */
  call(path: string, message: Buffer, ends: boolean, handlers: CallHandlers): Call {
    const call: ActiveCall = {
      id: 0,
      path,
      handlers,
      frames: new FrameReader(handlers.onMessage),
      unsent: message,
      endAfter: ends,
      sendWindow: this.peerWindow,
      received: 0,
      status: undefined,
      message: '',
    }
    if (this.closed)
      queueMicrotask(() => handlers.onEnd(new EtcdError(GRPC.unavailable, 'the connection to etcd is closed', false)))
    else if (this.calls.size < this.peerStreams) this.begin(call)
    else this.waiting.push(call)
    return { cancel: () => this.end(call, lost('the call was given up')) }
  }

  ping(onAnswer: () => void): void {
    this.pings.push(onAnswer)
    this.send(Buffer.concat([frameHeader(FRAME.ping, 0, 0, 8), Buffer.alloc(8)]))
  }

  /** Has `tell` called at the end. */
  whenDestroyed(tell: () => void): void {
    this.watched.push(tell)
  }

  /** No new calls; ends when the last of those that run has. */
  close(): void {
    this.closed = true
    if (this.calls.size === 0 && this.waiting.length === 0) this.destroy()
  }

  destroy(error?: Error): void {
    this.closed = true
    this.socket.destroy(error)
  }

  private begin(call: ActiveCall): void {
    call.id = this.nextId
    call.sendWindow = this.peerWindow
    this.nextId += 2
    if (this.nextId > LAST_STREAM) this.closed = true
    this.calls.set(call.id, call)
    let head = this.requestHeads.get(call.path)
    if (!head) this.requestHeads.set(call.path, (head = requestHead(this.authority, call.path)))
    this.send(frameHeader(FRAME.headers, FLAG.endHeaders, call.id, head.length))
    this.send(head)
    this.sendData(call)
    if (call.unsent.length > 0) this.blocked.push(call)
  }

  /** As much as the peer takes now. */
  private sendData(call: ActiveCall): void {
    while (call.unsent.length > 0) {
      const size = Math.min(call.unsent.length, call.sendWindow, this.sendWindow, this.peerFrame)
      if (size <= 0) return
      const part = call.unsent.subarray(0, size)
      call.unsent = call.unsent.subarray(size)
      call.sendWindow -= size
      this.sendWindow -= size
      const last = call.endAfter && call.unsent.length === 0
      this.send(frameHeader(FRAME.data, last ? FLAG.endStream : 0, call.id, size))
      this.send(part)
    }
  }

  private sendBlocked(): void {
    if (this.blocked.length === 0) return
    for (const call of this.blocked) this.sendData(call)
    this.blocked = this.blocked.filter(({ unsent }) => unsent.length > 0)
  }

  /** Everything that is said before the event loop looks for input again goes out at once. */
  private send(bytes: Buffer): void {
    this.out.push(bytes)
    if (this.writing) return
    this.writing = true
    setImmediate(() => {
      this.writing = false
      const bytesOut = Buffer.concat(this.out)
      this.out = []
      if (!this.socket.destroyed) this.socket.write(bytesOut)
    })
  }

  private take(chunk: Buffer): void {
    let input = this.input.length > 0 ? Buffer.concat([this.input, chunk]) : chunk
    try {
      while (input.length >= FRAME_HEADER) {
        const end = FRAME_HEADER + input.readUIntBE(0, 3)
        if (end > FRAME_HEADER + LARGEST_FRAME) throw new Error('Cannot read from etcd: a frame is too large')
        if (input.length < end) break
        this.takeFrame(input[3]!, input[4]!, input.readUInt32BE(5) & LAST_STREAM, input.subarray(FRAME_HEADER, end))
        input = input.subarray(end)
      }
    } catch (error) {
      return this.destroy(error instanceof Error ? error : new Error(String(error)))
    }
    this.input = input
  }

  private takeFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.block && type !== FRAME.continuation) throw new Error('Cannot read from etcd: headers are cut off')
    switch (type) {
      case FRAME.data:
        return this.takeData(flags, id, payload)
      case FRAME.headers: {
        this.block = { id, parts: [], size: 0, ends: (flags & FLAG.endStream) !== 0 }
        const plain = withoutPadding(flags, payload)
        return this.takeHeaders(flags, (flags & FLAG.priority) === 0 ? plain : plain.subarray(5))
      }
      case FRAME.continuation:
        return this.takeHeaders(flags, payload)
      case FRAME.reset:
        return this.endOf(id, `etcd gave the call up (code ${payload.readUInt32BE(0)})`)
      case FRAME.settings:
        return (flags & FLAG.ack) === 0 ? this.takeSettings(payload) : undefined
      case FRAME.ping:
        return (flags & FLAG.ack) === 0 ? this.answerPing(payload) : this.pings.shift()?.()
      case FRAME.goAway:
        return this.takeGoAway(payload.readUInt32BE(0) & LAST_STREAM)
      case FRAME.windowUpdate:
        return this.takeWindow(id, payload.readUInt32BE(0) & LAST_STREAM)
      case FRAME.push:
        throw new Error('Cannot read from etcd: it pushes what nobody asked for')
      default:
        // Unknown kinds are to be passed over.
        return undefined
    }
  }

  private takeData(flags: number, id: number, payload: Buffer): void {
    this.received += payload.length
    if (this.received >= WINDOW / 2) {
      this.send(windowUpdate(0, this.received))
      this.received = 0
    }
    const call = this.calls.get(id)
    if (!call) return
    call.received += payload.length
    try {
      call.frames.push(withoutPadding(flags, payload))
    } catch (error) {
      return this.end(call, lost(messageOf(error)))
    }
    if ((flags & FLAG.endStream) !== 0) return this.end(call, failureOf(call), true)
    if (call.received < WINDOW / 2) return
    this.send(windowUpdate(id, call.received))
    call.received = 0
  }

  private takeHeaders(flags: number, part: Buffer): void {
    const { block } = this
    if (!block) throw new Error('Cannot read from etcd: headers go on that never began')
    block.parts.push(part)
    block.size += part.length
    if (block.size > LARGEST_HEADERS) throw new Error('Cannot read from etcd: headers are too large')
    if ((flags & FLAG.endHeaders) === 0) return
    this.block = undefined
    // Decoded also for a call that is gone: later blocks refer to it.
    const headers = this.decoder.decode(block.parts.length === 1 ? part : Buffer.concat(block.parts))
    const call = this.calls.get(block.id)
    if (!call) return
    for (const [name, value] of headers) {
      if (name === 'grpc-status') call.status = Number(value)
      else if (name === 'grpc-message') call.message = percentDecoded(value)
    }
    if (block.ends) this.end(call, failureOf(call), true)
  }

  private takeSettings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2)
      switch (payload.readUInt16BE(at)) {
        case SETTING.initialWindowSize:
          for (const call of this.calls.values()) call.sendWindow += value - this.peerWindow
          this.peerWindow = value
          break
        case SETTING.maxFrameSize:
          this.peerFrame = value
          break
        case SETTING.maxConcurrentStreams:
          this.peerStreams = value
          break
        default:
      }
    }
    this.send(frameHeader(FRAME.settings, FLAG.ack, 0, 0))
    this.sendBlocked()
    this.handlers.onReady()
  }

  private answerPing(payload: Buffer): void {
    const answer = Buffer.concat([frameHeader(FRAME.ping, FLAG.ack, 0, 8), payload])
    setTimeout(() => this.send(answer), ANSWER_PING_MS).unref()
  }

  private takeWindow(id: number, increment: number): void {
    const call = this.calls.get(id)
    if (id === 0) this.sendWindow += increment
    else if (call) call.sendWindow += increment
    this.sendBlocked()
  }

  /** The peer is leaving: it answers what it has begun, up to `last`, and nothing after that. */
  private takeGoAway(last: number): void {
    this.closed = true
    for (const call of [...this.calls.values(), ...this.waiting]) {
      if (call.id === 0 || call.id > last) this.end(call, lost('etcd is leaving'))
    }
    this.close()
  }

  private endOf(id: number, why: string): void {
    const call = this.calls.get(id)
    if (call) this.end(call, lost(why), true)
  }

  /** `byPeer`: it has said all it will, so that it need only be told when we have not. */
  private end(call: ActiveCall, failure: EtcdError | undefined, byPeer = false): void {
    const active = this.calls.delete(call.id)
    if (!active && !this.waiting.includes(call)) return
    const open = call.unsent.length > 0 || !call.endAfter
    if (active && (!byPeer || open)) this.send(resetStream(call.id))
    if (!active) this.waiting = this.waiting.filter((other) => other !== call)
    if (call.unsent.length > 0) this.blocked = this.blocked.filter((other) => other !== call)
    call.handlers.onEnd(failure)
    if (this.closed) this.close()
    else while (this.waiting.length > 0 && this.calls.size < this.peerStreams) this.begin(this.waiting.shift()!)
  }

  private finish(error: Error | undefined): void {
    this.closed = true
    this.destroyed = true
    this.blocked = []
    const left = [...this.calls.values(), ...this.waiting]
    this.calls.clear()
    this.waiting = []
    for (const { handlers } of left) handlers.onEnd(lost('the connection to etcd was lost'))
    for (const tell of this.watched) tell()
    this.handlers.onClose(error)
  }
}

const lost = (why: string) => new EtcdError(GRPC.unavailable, why, true)

function failureOf({ status, message }: ActiveCall): EtcdError | undefined {
  if (status === undefined) return lost('etcd ended the call without a status')
  return status === GRPC.ok ? undefined : new EtcdError(status, message, true)
}

const requestHead = (authority: string, path: string): Buffer =>
  encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'https'],
    [':path', path],
    [':authority', authority],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    // A member that has lost its leader then says so at once, and ends streams, instead of keeping both waiting.
    ['hasleader', 'true'],
  ] satisfies Header[])

function frameHeader(type: number, flags: number, id: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER)
  header.writeUIntBE(length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(id, 5)
  return header
}

function numbered(type: number, id: number, value: number): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER + 4)
  frameHeader(type, 0, id, 4).copy(frame)
  frame.writeUInt32BE(value, FRAME_HEADER)
  return frame
}

const windowUpdate = (id: number, increment: number): Buffer => numbered(FRAME.windowUpdate, id, increment)

const resetStream = (id: number): Buffer => numbered(FRAME.reset, id, CANCEL)

function settings(...pairs: readonly (readonly [setting: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * pairs.length)
  for (const [index, [setting, value]] of pairs.entries()) {
    payload.writeUInt16BE(setting, 6 * index)
    payload.writeUInt32BE(value, 6 * index + 2)
  }
  return Buffer.concat([frameHeader(FRAME.settings, 0, 0, payload.length), payload])
}

function withoutPadding(flags: number, payload: Buffer): Buffer {
  return (flags & FLAG.padded) === 0 ? payload : payload.subarray(1, payload.length - (payload[0] ?? 0))
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not encoded after all: gRPC asks to show it as it is.
    return text
  }
}
