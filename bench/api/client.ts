/** Single calls and watches for a bench: keep-alive HTTPS connections, bodies as bytes, nothing parsed that is not asked for. */
import { Agent, request as httpsRequest } from 'node:https'
import { connect } from 'node:tls'

export interface BenchServer {
  url: string
  token: string
  /** Whose CPU time is told: the server's first, then its etcd's. */
  pids: readonly number[]
}

export interface Rate {
  count: number
  perSecond: number
  p50: number
  p99: number
}

export interface BenchClient {
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<{ status: number; body: Buffer }>
  close(): void
}

export function createBenchClient({ url, token }: BenchServer, connections: number): BenchClient {
  const { hostname, port } = new URL(url)
  // Throw-away certificates of a bench on loopback.
  const agent = new Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false })
  return {
    call: (method, path, body, contentType = 'application/json') =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': contentType }
        const outgoing = httpsRequest({ hostname, port, method, path, agent, headers }, (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }))
        })
        outgoing.on('error', reject)
        outgoing.end(body === undefined ? undefined : JSON.stringify(body))
      }),
    close: () => agent.destroy(),
  }
}

/** What ends an event, and occurs nowhere else: in JSON a line feed is escaped. */
const END_OF_EVENT = Buffer.from('}\n')
const [CLOSING_BRACE, LINE_FEED] = END_OF_EVENT

/**
 * A watch of which only the events are counted, off the bytes: fifty clients that parse would be slower than any server.
 * Resolves when it has begun.
 */
export function countEvents({ url, token }: BenchServer, path: string, onEvents: (count: number) => void): Promise<() => void> {
  const { hostname, port, host } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
    let begun = false
    let braceLast = false
    socket.on('secureConnect', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`),
    )
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      if (!begun) {
        begun = true
        if (!bytes.toString('latin1').startsWith('HTTP/1.1 200')) return reject(new Error(`GET ${path}: ${bytes.toString()}`))
        resolve(() => socket.destroy())
      }
      let count = braceLast && bytes[0] === LINE_FEED ? 1 : 0
      braceLast = bytes.at(-1) === CLOSING_BRACE
      for (let at = bytes.indexOf(END_OF_EVENT); at >= 0; at = bytes.indexOf(END_OF_EVENT, at + 2)) count++
      if (count > 0) onEvents(count)
    })
  })
}

export function rateOf(times: number[], elapsedMs: number): Rate {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { count: times.length, perSecond: (times.length / elapsedMs) * 1000, p50: at(0.5), p99: at(0.99) }
}
