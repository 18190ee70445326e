/** UDP and TCP sockets around `respond`. Bounded: a flood is dropped, a silent TCP client is closed. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from '../../component/logger.ts'
import { respond, type Responder } from './respond.ts'

export interface DnsServer {
  port: number
  close(): Promise<void>
}

const TCP_IDLE_MS = 10_000
const MAX_TCP_CLIENTS = 500
const PORTS_TO_TRY = 20

export async function serveDns(
  responder: Responder,
  {
    address,
    port,
    logger,
    onQuery,
  }: { address: string; port: number; logger: Logger; onQuery?: (transport: 'udp' | 'tcp') => void },
): Promise<DnsServer> {
  const answer = async (message: Buffer, transport: 'udp' | 'tcp', send: (bytes: Buffer) => Promise<void> | void) => {
    onQuery?.(transport)
    try {
      const bytes = await respond(message, transport, responder)
      if (bytes) await send(bytes)
    } catch (error) {
      logger.error('cannot answer', { error })
    }
  }

  const clients = new Set<Socket>()
  const tcp: Server = createServer((socket) => {
    clients.add(socket)
    socket.on('close', () => clients.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy())
    readFramed(socket, (message) => answer(message, 'tcp', (bytes) => written(socket, framed(bytes))))
  })
  tcp.maxConnections = MAX_TCP_CLIENTS

  const newUdp = () => {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 })
    socket.on('message', (message, from) => {
      void answer(message, 'udp', (bytes) => socket.send(bytes, from.port, from.address))
    })
    return socket
  }
  const udp = await bindBoth(newUdp, tcp, address, port)
  udp.on('error', (error) => logger.error('UDP socket failed', { error }))

  return {
    port: udp.address().port,
    async close() {
      clients.forEach((socket) => socket.destroy())
      await Promise.all([new Promise((resolve) => udp.close(() => resolve(null))), new Promise((resolve) => tcp.close(resolve))])
    },
  }
}

/** Once the client has room for more: who asks and does not read is asked nothing more until its time is over. */
async function written(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}

/** One number for both. Where any will do (`port` 0), the next one is tried if another's TCP has what UDP was given. */
async function bindBoth(newUdp: () => UdpSocket, tcp: Server, address: string, port: number): Promise<UdpSocket> {
  for (let attempt = 1; ; attempt++) {
    const udp = newUdp()
    try {
      udp.bind(port, address)
      await once(udp, 'listening')
      tcp.listen(udp.address().port, address)
      await once(tcp, 'listening')
      return udp
    } catch (error) {
      udp.close()
      const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (port !== 0 || !isTaken || attempt === PORTS_TO_TRY) throw error
    }
  }
}

/** Over TCP each message has its length before it. */
function framed(bytes: Buffer): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(bytes.length)
  return Buffer.concat([head, bytes])
}

/** One question at a time a connection: what comes meanwhile waits in the kernel, not here. */
function readFramed(socket: Socket, onMessage: (message: Buffer) => Promise<void>): void {
  let buffer = Buffer.alloc(0)
  let busy = false
  const next = async () => {
    if (busy) return
    busy = true
    while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
      const end = 2 + buffer.readUInt16BE(0)
      const message = buffer.subarray(2, end)
      buffer = buffer.subarray(end)
      socket.pause()
      await onMessage(message)
      socket.resume()
    }
    busy = false
  }
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk])
    void next()
  })
}
