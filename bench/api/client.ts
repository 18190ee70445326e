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

/** Every event is one line: in JSON a line feed is escaped. */
const LINE_FEED = 0x0a
/** Of all watchers: what is read is looked at at once. */
const READ_BUFFER = Buffer.alloc(64 * 1024)
const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * A watch of which only the events are counted, off the bytes: fifty clients that parse would be slower than any server.
 * Resolves when it has begun. `onEnd` hears of an end that was not asked for.
 */
export function countEvents(
  { url, token }: BenchServer,
  path: string,
  onEvents: (count: number) => void,
  onEnd: (error: Error) => void,
): Promise<() => void> {
  const { hostname, port, host } = new URL(url)
  return new Promise((resolve, reject) => {
    const onread = { buffer: READ_BUFFER, callback: (size: number) => (take(READ_BUFFER.subarray(0, size)), true) }
    const options = { host: hostname, port: Number(port), rejectUnauthorized: false, onread }
    const socket = connect(options)
    const countLines = createLineCounter()
    let head: Buffer | undefined = Buffer.alloc(0)
    socket.on('secureConnect', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`),
    )
    socket.on('error', reject)
    const take = (bytes: Buffer) => {
      let body = bytes
      if (head) {
        head = Buffer.concat([head, bytes])
        const end = head.indexOf(HEAD_END)
        if (end < 0) return
        if (!head.toString('latin1', 0, end).startsWith('HTTP/1.1 200'))
          return reject(new Error(`GET ${path}: ${head.toString()}`))
        body = head.subarray(end + HEAD_END.length)
        head = undefined
        socket.on('close', () => onEnd(new Error(`GET ${path}: the server ended the watch`)))
        resolve(() => void socket.removeAllListeners('close').destroy())
      }
      const count = countLines(body)
      if (count > 0) onEvents(count)
    }
  })
}

/** Counts the lines of a chunked body piece by piece; a chunk may end anywhere in a line, and a piece anywhere in a chunk. */
function createLineCounter(): (bytes: Buffer) => number {
  /** Bytes of the chunk still to come, its own line end included; the size line so far when there is none. */
  let left = 0
  let size = ''
  return (bytes) => {
    let count = 0
    for (let at = 0; at < bytes.length;) {
      if (left === 0) {
        const end = bytes.indexOf(LINE_FEED, at)
        size += bytes.toString('latin1', at, end < 0 ? bytes.length : end)
        if (end < 0) return count
        at = end + 1
        left = Number.parseInt(size, 16) + 2
        size = ''
        continue
      }
      const end = Math.min(bytes.length, at + left)
      const content = Math.min(end, at + left - 2)
      for (let found = bytes.indexOf(LINE_FEED, at); found >= 0 && found < content; found = bytes.indexOf(LINE_FEED, found + 1))
        count++
      left -= end - at
      at = end
    }
    return count
  }
}

export function rateOf(times: number[], elapsedMs: number): Rate {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { count: times.length, perSecond: (times.length / elapsedMs) * 1000, p50: at(0.5), p99: at(0.99) }
}
