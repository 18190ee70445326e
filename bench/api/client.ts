/** A client that costs little: keep-alive HTTPS connections, bodies as bytes, nothing parsed that is not asked for. */
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { performance } from 'node:perf_hooks'

export interface BenchServer {
  name: string
  url: string
  token: string
}

export interface BenchClient {
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<{ status: number; body: Buffer }>
  /** Resolves when the watch has begun; `onLine` gets each event. */
  watch(path: string, onLine: (line: string) => void): Promise<() => void>
  close(): void
}

export function createBenchClient({ url, token }: BenchServer, connections: number): BenchClient {
  const { hostname, port } = new URL(url)
  // Throw-away certificates of a bench on loopback.
  const tls = { rejectUnauthorized: false }
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ...tls })
  const options = (method: string, path: string, contentType: string): RequestOptions => ({
    hostname,
    port,
    method,
    path,
    agent,
    headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': contentType },
  })
  return {
    call: (method, path, body, contentType = 'application/json') =>
      new Promise((resolve, reject) => {
        const outgoing = httpsRequest(options(method, path, contentType), (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }))
        })
        outgoing.on('error', reject)
        outgoing.end(body === undefined ? undefined : JSON.stringify(body))
      }),
    watch: (path, onLine) =>
      new Promise((resolve, reject) => {
        const own = new Agent({ ...tls })
        const outgoing = httpsRequest({ ...options('GET', path, 'application/json'), agent: own }, (incoming) => {
          let rest = ''
          incoming.setEncoding('utf8')
          incoming.on('data', (text: string) => {
            const lines = (rest + text).split('\n')
            rest = lines.pop() ?? ''
            for (const line of lines) onLine(line)
          })
          incoming.on('error', () => {})
          resolve(() => outgoing.destroy())
        })
        outgoing.on('error', reject)
        outgoing.end()
      }),
    close: () => agent.destroy(),
  }
}

export interface Rate {
  perSecond: number
  p50: number
  p99: number
}

/** Does `work(0..count-1)` with so many at once. */
export async function measure(count: number, clients: number, work: (index: number) => Promise<void>): Promise<Rate> {
  const times: number[] = []
  let next = 0
  const begun = performance.now()
  const worker = async () => {
    while (next < count) {
      const index = next++
      const start = performance.now()
      await work(index)
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: clients }, worker))
  return rateOf(times, performance.now() - begun)
}

export function rateOf(times: number[], elapsedMs: number): Rate {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { perSecond: (times.length / elapsedMs) * 1000, p50: at(0.5), p99: at(0.99) }
}
