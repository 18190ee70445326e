/** Plain HTTPS requests against a test server: any bytes, any headers, answers as they are. */
import { request as httpsRequest } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import { ADMIN_TOKEN, type TestServer } from './start-server.ts'

export interface Answer {
  code: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  text: string
  /** The body as JSON; undefined when it is none. */
  json: Json
}

/** Tests look into answers of every kind: what is not there reads as undefined and fails the expectation. */
export interface Json {
  [name: string]: Json
  metadata: Json
  spec: Json
  status: Json
  items: Json
}

export interface Call {
  body?: unknown
  headers?: Record<string, string>
  token?: string | undefined
}

export type Client = (method: string, path: string, call?: Call) => Promise<Answer>

export const createHttpClient =
  ({ port, ca }: Pick<TestServer, 'port' | 'ca'>): Client =>
  (method, path, { body, headers = {}, token = ADMIN_TOKEN } = {}) =>
    new Promise((resolve, reject) => {
      const bytes =
        body === undefined ? undefined : Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)
      const outgoing = httpsRequest(
        {
          host: '127.0.0.1',
          port,
          ca,
          method,
          path,
          headers: {
            ...(token && { authorization: `Bearer ${token}` }),
            ...(bytes !== undefined && { 'content-type': 'application/json' }),
            ...(bytes !== undefined && !('transfer-encoding' in headers) && { 'content-length': Buffer.byteLength(bytes) }),
            ...headers,
          },
        },
        (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('end', () => {
            const bytes = Buffer.concat(chunks)
            const text = bytes.toString()
            resolve({ code: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text, json: parse(text) })
          })
          incoming.on('error', reject)
        },
      )
      outgoing.on('error', reject)
      outgoing.end(bytes)
    })

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined as unknown as Json
  }
}

export interface TestWatch {
  /** Resolves with the next event. */
  next(): Promise<{ type: string; object: Json }>
  /** Resolves when the server has ended it. */
  ended: Promise<void>
  close(): void
}

export function openWatch({ port, ca }: TestServer, path: string, accept = 'application/json'): Promise<TestWatch> {
  return new Promise((resolve, reject) => {
    const lines: string[] = []
    const waiting: ((line: string) => void)[] = []
    const outgoing = httpsRequest(
      { host: '127.0.0.1', port, ca, path, headers: { authorization: `Bearer ${ADMIN_TOKEN}`, accept } },
      (incoming) => {
        let rest = ''
        let finish = () => {}
        const ended = new Promise<void>((done) => (finish = done))
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => {
          const parts = (rest + chunk).split('\n')
          rest = parts.pop() ?? ''
          for (const line of parts) {
            const take = waiting.shift()
            if (take) take(line)
            else lines.push(line)
          }
        })
        incoming.on('error', () => {})
        incoming.on('close', () => finish())
        resolve({
          ended,
          next: async () => {
            const line = lines.shift() ?? (await new Promise<string>((take) => waiting.push(take)))
            return JSON.parse(line) as { type: string; object: Json }
          },
          close: () => outgoing.destroy(),
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}
