/** Sends a stream, or the events of a watch, to a client that asked for it over a WebSocket; closed at its end. */
import type { IncomingMessage } from 'node:http'
import { Writable, type Readable } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { forbidden } from '../../api/status.ts'
import type { ApiRequest, ResourceRequest } from '../api-context.ts'
import { takeSocket, upgradeHead } from '../server.ts'
import type { Format } from './negotiate.ts'

/** How the messages look; without a protocol they are the bytes as they are. */
export type StreamProtocol = '' | 'binary.k8s.io' | 'base64.binary.k8s.io'

const protocols: readonly string[] = ['binary.k8s.io', 'base64.binary.k8s.io']

export const isWebSocket = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket' && /(^|[ ,])upgrade($|[ ,])/i.test(headers.connection ?? '')

/** The first that the client offers and we speak; undefined when it wants only others. */
export function chooseProtocol(offered: string | undefined): StreamProtocol | undefined {
  const named = (offered ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(isNoToken)
  if (named.length === 0) return ''
  return named.find((one) => protocols.includes(one)) as StreamProtocol | undefined
}

const isNoToken = (protocol: string) => protocol !== '' && !protocol.startsWith('base64url.bearer.authorization.k8s.io.')

const servers = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  handleProtocols: (offered) => [...offered].find((one) => protocols.includes(one)) ?? false,
})

/** Resolves when the exchange has ended. Rejects, with nothing answered, when the client speaks no protocol of ours. */
export function sendStream(request: ResourceRequest, source: Readable): Promise<void> {
  const { raw, info } = request
  const protocol = chooseProtocol(raw.headers['sec-websocket-protocol'])
  if (protocol === undefined) {
    source.destroy()
    return Promise.reject(forbidden('', 'pods', info.name, 'requested WebSocket protocols are not supported'))
  }
  // Without this the library would refuse a client whose one protocol is its token.
  if (protocol === '') delete raw.headers['sec-websocket-protocol']
  takeSocket(request)
  return new Promise((resolve) => {
    raw.socket.once('close', () => {
      source.destroy()
      resolve()
    })
    servers.handleUpgrade(raw, raw.socket, upgradeHead(raw), (socket) => {
      void pump(source, socket, protocol)
    })
  })
}

async function pump(source: Readable, socket: WebSocket, protocol: StreamProtocol): Promise<void> {
  // A client that breaks off has an error and then a close: the latter is heard of on its connection.
  socket.on('error', () => {})
  // As upstream: an empty message says that the connection stands.
  socket.send(Buffer.alloc(0))
  try {
    for await (const bytes of source as AsyncIterable<Buffer>) await send(socket, bytes, protocol)
    socket.close(1000)
  } catch {
    socket.close(1011)
  }
}

const send = (socket: WebSocket, bytes: Buffer, protocol: StreamProtocol): Promise<void> =>
  new Promise((resolve, reject) => {
    const message = protocol === 'base64.binary.k8s.io' ? bytes.toString('base64') : bytes
    socket.send(message, (error) => (error ? reject(error) : resolve()))
  })

/** A watch says the same whatever the protocol is called, so it takes the first that is offered. */
const eventServers = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  // Nothing that a client says on a watch is listened to.
  maxPayload: 64 * 1024,
  handleProtocols: (offered) => [...offered].find(isNoToken) ?? false,
})

/** Where whole frames of a watch are written to: each goes out as a message. Undefined when the handshake was refused. */
export function openEventSocket(request: ApiRequest, format: Format): Writable | undefined {
  const { raw, response } = request
  const offered = raw.headers['sec-websocket-protocol']?.split(',').map((one) => one.trim())
  // Without this the library would refuse a client whose one protocol is its token.
  if (!offered?.some(isNoToken)) delete raw.headers['sec-websocket-protocol']
  takeSocket(request)
  let sink: Writable | undefined
  eventServers.handleUpgrade(raw, raw.socket, upgradeHead(raw), (socket) => {
    sink = eventSink(socket, format === 'protobuf' ? splitMessages : splitLines)
  })
  if (!sink) response.statusCode = 400
  return sink
}

/** Frames end with a line break, and JSON has none inside. */
const splitLines = (frames: Buffer): string[] => frames.toString().split('\n').slice(0, -1)

/** The length before each frame is for those who read a stream: a message has its own. */
function splitMessages(frames: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at < frames.length;) {
    const end = at + 4 + frames.readUInt32BE(at)
    messages.push(frames.subarray(at + 4, end))
    at = end
  }
  return messages
}

function eventSink(socket: WebSocket, split: (frames: Buffer) => (string | Buffer)[]): Writable {
  const sink = new Writable({
    decodeStrings: false,
    write(frames: Buffer, _encoding, done) {
      const events = split(frames)
      events.forEach((event, index) => socket.send(event, index === events.length - 1 ? done : undefined))
    },
    final(done) {
      socket.close(1000)
      done()
    },
    destroy(error, done) {
      if (!sink.writableFinished) socket.terminate()
      done(error)
    },
  })
  // A client that breaks off fails the write as well; that it has gone is all there is to know.
  sink.on('error', () => {})
  socket.on('error', () => {})
  socket.on('close', () => sink.destroy())
  return sink
}
