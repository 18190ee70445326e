/** Stands before a registry and holds back the second half of every large blob until it is told to go on. */
import { createServer, request } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

export interface SlowRegistry {
  host: string
  /** What is held back goes, and nothing is held back any more. */
  release(): void
  stop(): void
}

const large = 64 << 10

export async function startSlowRegistry(behind: string): Promise<SlowRegistry> {
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const server = createServer((incoming, answer) => {
    const forward = request(`http://${behind}${incoming.url}`, { method: incoming.method!, headers: incoming.headers })
    forward.once('response', async (response) => {
      answer.writeHead(response.statusCode!, response.headers)
      const size = Number(response.headers['content-length'])
      let sent = 0
      for await (const chunk of response as AsyncIterable<Buffer>) {
        if (size > large && sent > size / 2) await released
        sent += chunk.length
        answer.write(chunk)
      }
      answer.end()
    })
    forward.once('error', () => answer.destroy())
    incoming.pipe(forward)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    release: () => release(),
    stop() {
      release()
      server.close()
      server.closeAllConnections()
    },
  }
}
