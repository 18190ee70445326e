/**
 * The client side of SPDY/3.1 as far as the runtime's streams need it: streams are opened by us, carry bytes both ways and
 * are half-closed with FIN. Header blocks are only sent; what the server answers in them says nothing we need.
 */
import type { Duplex } from 'node:stream'
import { constants, createDeflate, type Deflate } from 'node:zlib'

const version = 3
const types = { synStream: 1, rstStream: 3, ping: 6, goAway: 7 } as const
const fin = 1
const maxFrame = 0xff_ff_ff

export interface SpdyStreamHandlers {
  data(bytes: Buffer): void
  /** The server sends nothing more on this stream. */
  end(): void
}

export interface SpdyStream {
  write(bytes: Buffer): void
  /** Half-closes: we send nothing more. */
  end(): void
}

export interface SpdySession {
  open(headers: Record<string, string>, handlers: SpdyStreamHandlers): Promise<SpdyStream>
  close(): void
}

/** `socket` has just answered 101; `head` is what came right after that. */
export function createSpdySession(socket: Duplex, head: Buffer, onClose: () => void): SpdySession {
  const streams = new Map<number, SpdyStreamHandlers>()
  // The compression's state spans all header blocks of a session. SPDY's dictionary is optional for who compresses.
  const deflate = createDeflate()
  let nextId = 1
  let pending = Promise.resolve()

  const send = (bytes: Buffer) => {
    if (socket.writable) socket.write(bytes)
  }
  const receive = createFrameReader({
    data(id, flags, bytes) {
      const stream = streams.get(id)
      if (bytes.length > 0) stream?.data(bytes)
      if (flags & fin) stream?.end()
    },
    control(type, bytes) {
      if (type === types.ping) send(controlFrame(types.ping, 0, bytes))
      if (type === types.rstStream) streams.get(bytes.readUInt32BE(0) & 0x7f_ff_ff_ff)?.end()
      if (type === types.goAway) socket.end()
    },
  })
  socket.on('data', receive)
  socket.on('close', onClose)
  socket.on('error', () => socket.destroy())
  if (head.length > 0) receive(head)

  return {
    async open(headers, handlers) {
      const id = nextId
      nextId += 2
      streams.set(id, handlers)
      const opened = pending.then(async () => {
        const prefix = Buffer.alloc(10)
        prefix.writeUInt32BE(id, 0)
        const block = await compress(deflate, headerBlock(headers))
        send(controlFrame(types.synStream, 0, Buffer.concat([prefix, block])))
      })
      pending = opened
      await opened
      return { write: (bytes) => sendData(send, id, 0, bytes), end: () => sendData(send, id, fin, Buffer.alloc(0)) }
    },
    close() {
      deflate.close()
      socket.end()
    },
  }
}

function sendData(send: (bytes: Buffer) => void, id: number, flags: number, bytes: Buffer): void {
  if (bytes.length > maxFrame) {
    sendData(send, id, 0, bytes.subarray(0, maxFrame))
    return sendData(send, id, flags, bytes.subarray(maxFrame))
  }
  const head = Buffer.alloc(8)
  head.writeUInt32BE(id, 0)
  head.writeUInt32BE(bytes.length, 4)
  head[4] = flags
  send(Buffer.concat([head, bytes]))
}

function controlFrame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x80_00 | version, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt32BE(payload.length, 4)
  head[4] = flags
  return Buffer.concat([head, payload])
}

function headerBlock(headers: Record<string, string>): Buffer {
  const sized = (text: string) => {
    const bytes = Buffer.from(text)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const count = Buffer.alloc(4)
  count.writeUInt32BE(Object.keys(headers).length)
  return Buffer.concat([count, ...Object.entries(headers).flatMap(([name, value]) => [sized(name.toLowerCase()), sized(value)])])
}

function compress(deflate: Deflate, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    const collect = (part: Buffer) => void parts.push(part)
    deflate.on('data', collect)
    deflate.write(bytes)
    deflate.flush(constants.Z_SYNC_FLUSH, () => {
      deflate.off('data', collect)
      resolve(Buffer.concat(parts))
    })
  })
}

interface FrameHandlers {
  data(id: number, flags: number, bytes: Buffer): void
  control(type: number, bytes: Buffer): void
}

function createFrameReader({ data, control }: FrameHandlers): (chunk: Buffer) => void {
  let buffered: Buffer = Buffer.alloc(0)
  return (chunk) => {
    buffered = buffered.length > 0 ? Buffer.concat([buffered, chunk]) : chunk
    while (buffered.length >= 8) {
      const length = buffered.readUInt32BE(4) & maxFrame
      if (buffered.length < 8 + length) return
      const word = buffered.readUInt32BE(0)
      const payload = buffered.subarray(8, 8 + length)
      if (word & 0x80_00_00_00) control(word & 0xff_ff, payload)
      else data(word, buffered[4]!, payload)
      buffered = buffered.subarray(8 + length)
    }
  }
}
