/** Ports of this machine joined to ports of a pod: a pair of SPDY streams a connection, all in one upgraded request. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSpdySession } from '../../component/spdy-client.ts'
import { openUpgrade } from './open-stream.ts'
import type { Session } from '../session.ts'

export interface Forwarding {
  /** Joins a connection to a port of the pod. */
  connect(local: Socket, port: number): Promise<void>
  /** Resolves when the connection to the pod is lost. */
  lost: Promise<void>
  close(): void
}

export async function openForwarding(session: Session, path: string): Promise<Forwarding> {
  const { socket, head } = await openUpgrade(session.config, path, {
    Upgrade: 'SPDY/3.1',
    'X-Stream-Protocol-Version': 'portforward.k8s.io',
  })
  let told = () => {}
  const lost = new Promise<void>((resolve) => {
    told = resolve
  })
  const spdy = createSpdySession(socket, head, () => told())
  let requests = 0
  return {
    lost,
    close: () => spdy.close(),
    async connect(local, port) {
      const headers = { port: String(port), requestid: String(requests++) }
      let complaint = ''
      const error = await spdy.open(
        { ...headers, streamtype: 'error' },
        {
          data: (bytes) => {
            complaint += bytes.toString('utf8')
          },
          end: () => {
            if (complaint) session.note(`error: an error occurred forwarding ${local.localPort} -> ${port}: ${complaint}`)
            if (complaint) local.destroy()
          },
        },
      )
      error.end()
      const data = await spdy.open(
        { ...headers, streamtype: 'data' },
        { data: (bytes) => deliver(socket, local, bytes), end: () => local.end() },
      )
      local.on('data', (bytes: Buffer) => {
        data.write(bytes)
        // A fast sender waits for the network: what is not sent yet would pile up in memory.
        if (!socket.writableNeedDrain) return
        local.pause()
        socket.once('drain', () => local.resume())
      })
      local.on('end', () => data.end())
      local.on('error', () => data.end())
      local.resume()
    },
  }
}

/** A slow reader holds everything back: the streams share one connection. */
function deliver(socket: Duplex, local: Socket, bytes: Buffer): void {
  if (local.destroyed || local.write(bytes)) return
  socket.pause()
  const go = () => {
    local.off('drain', go).off('close', go)
    socket.resume()
  }
  local.once('drain', go).once('close', go)
}

/** Listens on an address; the connections wait until `onConnection` reads them. */
export async function listen(address: string, port: number, onConnection: (local: Socket) => void): Promise<Server> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, onConnection)
  server.listen(port, address)
  await once(server, 'listening')
  return server
}
