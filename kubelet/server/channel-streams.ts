/** exec and attach over WebSocket `v5.channel.k8s.io`: channels of the client become streams of the runtime. */
import type { WebSocket } from 'ws'
import { createSpdySession, type SpdySession, type SpdyStream } from '../../component/spdy-client.ts'
import { requestUpgrade } from './upgrade-request.ts'

export const channelProtocol = 'v5.channel.k8s.io'

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const
type StreamType = keyof typeof channels
/** Carries the number of a channel that the client has closed: how standard input ends. */
const closeChannel = 255

export interface StreamChoice {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

export async function serveChannels(socket: WebSocket, url: URL, choice: StreamChoice): Promise<void> {
  const early = holdMessages(socket)
  const { socket: runtime, head } = await requestUpgrade(url, {
    Connection: 'Upgrade',
    Upgrade: 'SPDY/3.1',
    'X-Stream-Protocol-Version': 'v4.channel.k8s.io',
    'Content-Length': '0',
  })
  const session = createSpdySession(runtime, head, () => socket.close(1000))
  const open = await openStreams(session, choice, (channel, bytes) => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([channel]), bytes]))
  })
  socket.on('close', () => session.close())
  socket.on('error', () => session.close())
  // As upstream: an empty message on the lowest channel says that the connection stands.
  socket.send(Buffer.from([choice.stdout ? channels.stdout : choice.stderr ? channels.stderr : channels.error]))
  early.release((message) => {
    const [channel, closed] = message
    if (channel === closeChannel) return closed === undefined ? undefined : open.get(closed)?.end()
    if (channel === undefined || message.length < 2) return
    open.get(channel)?.write(message.subarray(1))
  })
  runtime.resume()
}

/** The runtime waits until it has all the streams that the request asked for. */
async function openStreams(
  session: SpdySession,
  { stdin, stdout, stderr, tty }: StreamChoice,
  send: (channel: number, bytes: Buffer) => void,
): Promise<Map<number, SpdyStream>> {
  const wanted: StreamType[] = ['error']
  if (stdin) wanted.push('stdin')
  if (stdout) wanted.push('stdout')
  if (stderr && !tty) wanted.push('stderr')
  if (tty) wanted.push('resize')
  const open = new Map<number, SpdyStream>()
  for (const streamType of wanted) {
    const channel = channels[streamType]
    const handlers = { data: (bytes: Buffer) => send(channel, bytes), end: () => {} }
    open.set(channel, await session.open({ streamtype: streamType }, handlers))
  }
  return open
}

/** Messages that arrive before there is anywhere to send them. */
function holdMessages(socket: WebSocket): { release(handle: (message: Buffer) => void): void } {
  const held: Buffer[] = []
  let handle = (message: Buffer): void => void held.push(message)
  socket.on('message', (data: Buffer) => handle(data))
  return {
    release(next) {
      for (const message of held.splice(0)) next(message)
      handle = next
    },
  }
}
