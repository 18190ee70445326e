/** Passes a request on to another server: its answer streamed back, or, once both sides upgrade, every byte in both directions. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { serviceUnavailable } from '../../api/status.ts'
import type { ApiRequest } from '../api-context.ts'
import { relayPage } from './relay-page.ts'
import { rewriteUrl, type ProxiedAt } from './rewrite-links.ts'
import { upgradeHead } from '../server.ts'

export interface Target {
  host: string
  port: number
  /** Path with its query. */
  path: string
  /** Absent: plain TCP, as pods and services speak it unless the path says `https:`. */
  tls?: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean } | undefined
  /** Beside those of the client. */
  headers?: OutgoingHttpHeaders
  /** The answer's links are made to lead through us. */
  proxiedAt?: ProxiedAt
}

/** Credentials are for us and not for whom we ask; hop-by-hop headers are about this connection. */
const NOT_PASSED = new Set([
  'authorization',
  'connection',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function passedHeaders({ headers }: IncomingMessage): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(headers))
    if (!NOT_PASSED.has(name) && !name.startsWith('impersonate-') && !name.startsWith('x-remote-')) passed[name] = value
  return passed
}

export const isUpgrade = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade !== undefined && /(^|[ ,])upgrade($|[ ,])/i.test(headers.connection ?? '')

/** Resolves when the exchange has ended. Rejects with a 503 when the other server cannot be reached. */
export function relay(request: ApiRequest, target: Target, method = request.raw.method ?? 'GET'): Promise<void> {
  return isUpgrade(request.raw) ? relayUpgrade(request, target) : relayRequest(request, target, method)
}

function relayRequest({ raw, response }: ApiRequest, target: Target, method: string): Promise<void> {
  const { host, port, path, tls, headers, proxiedAt } = target
  return new Promise((resolve, reject) => {
    const make = tls ? httpsRequest : httpRequest
    const outgoing = make({
      host,
      port,
      path,
      method,
      headers: { ...passedHeaders(raw), ...headers, host: `${host}:${port}` },
      agent: false,
      ...tls,
    })
    outgoing.on('error', (error) => reject(unreachable(host, port, error)))
    outgoing.on('response', (incoming) => {
      const answered = withoutConnectionHeaders(incoming.headers)
      if (proxiedAt && incoming.headers.location) answered.location = rewriteUrl(incoming.headers.location, proxiedAt)
      else if (proxiedAt && isHtml(incoming)) {
        void relayPage(incoming, answered, response, proxiedAt).then(resolve, reject)
        return
      }
      response.writeHead(incoming.statusCode ?? 502, answered)
      // A log that is followed has nothing to say for a long time: the client must not wait for the headers.
      response.flushHeaders()
      incoming.pipe(response)
      incoming.on('error', () => response.destroy())
      incoming.on('end', () => resolve())
    })
    response.on('close', () => {
      outgoing.destroy()
      resolve()
    })
    raw.pipe(outgoing)
  })
}

const isHtml = ({ headers }: IncomingMessage) => headers['content-type']?.split(';', 1)[0]!.trim() === 'text/html'

function withoutConnectionHeaders(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const { connection: _connection, 'keep-alive': _keepAlive, 'transfer-encoding': _encoding, ...rest } = headers
  return rest
}

export const unreachable = (host: string, port: number, error: Error) =>
  serviceUnavailable(`error trying to reach service: dial tcp ${host}:${port}: ${error.message}`)

/**
 * SPDY and WebSocket alike: the request goes out as it came, and from then on bytes are bytes. What the other side answers,
 * 101 or a refusal, is its own word and goes to the client unread.
 */
function relayUpgrade({ raw, response }: ApiRequest, target: Target): Promise<void> {
  const { host, port, tls } = target
  return new Promise((resolve, reject) => {
    const client = raw.socket
    const other: Duplex = tls
      ? connectTls({ host, port, ALPNProtocols: ['http/1.1'], ...tls }, onConnect)
      : connectTcp({ host, port }, onConnect)
    let connected = false
    other.on('error', (error) => {
      if (!connected) reject(unreachable(host, port, error))
      else client.destroy()
    })
    function onConnect() {
      connected = true
      response.detachSocket(client)
      other.write(requestHead(raw, target))
      const head = upgradeHead(raw)
      if (head.length > 0) other.write(head)
      // Interactive: a key stroke must not wait for the next.
      client.setNoDelay(true)
      client.setTimeout(0)
      client.pipe(other).pipe(client)
    }
    const end = () => {
      client.destroy()
      other.destroy()
      resolve()
    }
    other.on('close', end)
    client.on('close', end)
    client.on('error', end)
  })
}

function requestHead(raw: IncomingMessage, { host, port, path, headers = {} }: Target): string {
  const lines = [`${raw.method} ${path} HTTP/1.1`, `Host: ${host}:${port}`]
  for (const [name, value] of Object.entries(headers)) for (const one of [value].flat()) lines.push(`${name}: ${one}`)
  for (let index = 0; index < raw.rawHeaders.length; index += 2) {
    const [name, value] = [raw.rawHeaders[index]!, raw.rawHeaders[index + 1]!]
    const lower = name.toLowerCase()
    const needed = lower === 'connection' || lower === 'upgrade'
    if (needed || (!NOT_PASSED.has(lower) && !lower.startsWith('impersonate-') && !lower.startsWith('x-remote-')))
      lines.push(`${name}: ${lower === 'sec-websocket-protocol' ? withoutToken(value) : value}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Browsers send their token among the protocols: it stays here, with the rest of the credentials. */
const withoutToken = (protocols: string): string =>
  protocols
    .split(',')
    .map((one) => one.trim())
    .filter((one) => !one.startsWith('base64url.bearer.authorization.k8s.io.'))
    .join(', ')
