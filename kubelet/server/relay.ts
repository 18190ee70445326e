/** Passes an upgraded connection through to the runtime, byte for byte: SPDY, and WebSocket protocols that it speaks itself. */
import type { IncomingMessage } from 'node:http'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import { requestHead } from './upgrade-request.ts'

/** Credentials are for this server, not for the next. */
const dropped = new Set(['host', 'authorization', 'kubelab-cause'])

export function relay(request: IncomingMessage, client: Duplex, head: Buffer, url: URL): void {
  const runtime = net.connect({ host: url.hostname, port: Number(url.port) })
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !dropped.has(name)))
  runtime.once('connect', () => {
    runtime.write(requestHead(request.method ?? 'POST', url, headers))
    if (head.length > 0) runtime.write(head)
    client.pipe(runtime)
    runtime.pipe(client)
  })
  const close = () => {
    client.destroy()
    runtime.destroy()
  }
  client.on('error', close)
  runtime.on('error', close)
  client.on('close', () => runtime.destroy())
  // What is still on its way to the client goes out first.
  runtime.on('close', () => client.end())
}
