/** Sends bytes through a port-forward of the kubelet and answers what comes back: over SPDY itself, or in a WebSocket tunnel. */
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import tls from 'node:tls'
import { createSpdySession } from '../../component/spdy-client.ts'
import type { TestKubelet } from './test-kubelet.ts'

export async function forward(
  kubelet: TestKubelet,
  pod: string,
  port: number,
  request: string,
  tunnel: boolean,
): Promise<string> {
  const path = `/portForward/default/${pod}`
  const socket = tunnel ? await openTunnel(kubelet, path) : await openSpdy(kubelet, path)
  const session = createSpdySession(socket, Buffer.alloc(0), () => {})
  const headers = { port: String(port), requestid: '0' }
  const answer: Buffer[] = []
  const ended = new Promise<void>((resolve) => {
    void session
      .open({ ...headers, streamtype: 'error' }, { data: (bytes) => answer.push(bytes), end: () => {} })
      .then(async (error) => {
        error.end()
        const data = await session.open({ ...headers, streamtype: 'data' }, { data: (bytes) => answer.push(bytes), end: resolve })
        data.write(Buffer.from(request))
      })
  })
  await ended
  session.close()
  return Buffer.concat(answer).toString()
}

function openSpdy({ running, credentials }: TestKubelet, path: string): Promise<Duplex> {
  const socket = tls.connect({ host: '127.0.0.1', port: running().server.port, rejectUnauthorized: false, ...credentials })
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: kubelet',
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    'X-Stream-Protocol-Version: portforward.k8s.io',
  ]
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('secureConnect', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`))
    socket.once('data', (head: Buffer) => {
      if (head.toString().startsWith('HTTP/1.1 101 ')) resolve(socket)
      else reject(new Error(`Cannot forward: the kubelet answered ${head.toString()}`))
    })
  })
}

/** By hand: WebSocket libraries refuse the protocol's name, which is no token of RFC 6455. */
async function openTunnel({ running, credentials }: TestKubelet, path: string): Promise<Duplex> {
  const socket = tls.connect({ host: '127.0.0.1', port: running().server.port, rejectUnauthorized: false, ...credentials })
  await once(socket, 'secureConnect')
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: kubelet',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io',
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const [head] = (await once(socket, 'data')) as [Buffer]
  if (!head.toString().includes('Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io'))
    throw new Error(`Cannot forward: the kubelet answered ${head.toString()}`)
  const unframe = createUnframer()
  const tunnel = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      socket.write(frame(bytes))
      done()
    },
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    for (const message of unframe(chunk)) tunnel.push(message)
  })
  return tunnel
}

/** A masked binary message, as clients send them; a mask of zeros changes nothing. */
function frame(bytes: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head[0] = 0x82
  head[1] = 0x80 | 126
  head.writeUInt16BE(bytes.length, 2)
  return Buffer.concat([head, bytes])
}

function createUnframer(): (chunk: Buffer) => Buffer[] {
  let buffered: Buffer = Buffer.alloc(0)
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk])
    const messages: Buffer[] = []
    while (buffered.length >= 4) {
      const short = buffered[1]! & 0x7f
      const [start, length] = short === 126 ? [4, buffered.readUInt16BE(2)] : [2, short]
      if (buffered.length < start + length) break
      if (buffered[0] === 0x82) messages.push(buffered.subarray(start, start + length))
      buffered = buffered.subarray(start + length)
    }
    return messages
  }
}
