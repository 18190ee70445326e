/** port-forward through a WebSocket tunnel: the messages carry the bytes of a SPDY connection, which are the runtime's. */
import { createWebSocketStream, type WebSocket } from 'ws'
import { requestUpgrade } from './upgrade-request.ts'

export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io'

export async function serveTunnel(socket: WebSocket, url: URL): Promise<void> {
  const stream = createWebSocketStream(socket)
  stream.pause()
  const { socket: runtime, head } = await requestUpgrade(url, {
    Connection: 'Upgrade',
    Upgrade: 'SPDY/3.1',
    'X-Stream-Protocol-Version': 'portforward.k8s.io',
    'Content-Length': '0',
  })
  if (head.length > 0) stream.write(head)
  stream.pipe(runtime)
  runtime.pipe(stream)
  const close = () => {
    stream.destroy()
    runtime.destroy()
  }
  stream.on('error', close)
  runtime.on('error', close)
  stream.on('close', () => runtime.destroy())
  runtime.on('close', () => stream.end())
  runtime.resume()
}
