/** Passes a request on to another server: its answer streamed back, or, once both sides upgrade, every byte in both directions. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { internalError, serviceUnavailable, unclassified } from '../../api/status.ts'
import { dialError } from '../../component/dial-error.ts'
import type { ApiRequest } from '../api-context.ts'
import { relayPage } from './relay-page.ts'
import { rewriteUrl, type ProxiedAt } from './rewrite-links.ts'
import { takeSocket, upgradeHead } from '../server.ts'

export interface Target {
  host: string
  port: number
  /** Path with its query. */
  path: string
  /** Absent: plain TCP, as pods and services speak it unless the path says `https:`. */
  tls?: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean } | undefined
  /** Beside those of the client. */
  headers?: OutgoingHttpHeaders
  /** A server that answers under a path of ours must not send our clients elsewhere. */
  refusesRedirects?: boolean
  /** Headers by which this server says more than its clients may, beside X-Remote-…. */
  withholds?: (header: string) => boolean
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
  // May hold a token; an upgrade has it without.
  'sec-websocket-protocol',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function passedHeaders(
  headers: IncomingMessage['headers'] | IncomingMessage['headersDistinct'],
  { withholds }: Target,
): OutgoingHttpHeaders {
  const stays = (name: string) =>
    NOT_PASSED.has(name) || name.startsWith('impersonate-') || name.startsWith('x-remote-') || withholds?.(name)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !stays(name)))
}

export const isUpgrade = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade !== undefined && /(^|[ ,])upgrade($|[ ,])/i.test(headers.connection ?? '')

/** Resolves when the exchange has ended, or speaks another protocol. Rejects when the other server cannot be reached, with a 503, or a 500 where both were to upgrade. */
export function relay(request: ApiRequest, target: Target, method = request.raw.method ?? 'GET'): Promise<void> {
  return isUpgrade(request.raw) ? relayUpgrade(request, target) : relayRequest(request, target, method)
}

function relayRequest({ raw, response }: ApiRequest, target: Target, method: string): Promise<void> {
  const { host, port, path, tls, headers, proxiedAt } = target
  // Its end is marked only so: without, Node would write it bare behind the head, where another request might begin.
  const chunked = raw.headers['transfer-encoding'] !== undefined && { 'transfer-encoding': 'chunked' }
  return new Promise((resolve, reject) => {
    const make = tls ? httpsRequest : httpRequest
    const outgoing = make({
      host,
      port,
      path,
      method,
      headers: { ...passedHeaders(raw.headers, target), ...chunked, ...headers, host: `${host}:${port}` },
      agent: false,
      ...tls,
    })
    outgoing.on('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${whyUnreachable(error, target)}`)))
    outgoing.on('response', (incoming) => {
      if (target.refusesRedirects && isRedirect(incoming)) {
        incoming.destroy()
        response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8', 'content-length': REDIRECTED.length })
        return void response.end(REDIRECTED, resolve)
      }
      const answered = withoutConnectionHeaders(incoming.headers)
      if (proxiedAt && incoming.headers.location) answered.location = rewriteUrl(incoming.headers.location, proxiedAt)
      else if (proxiedAt && isHtml(incoming)) {
        void relayPage(incoming, answered, response, proxiedAt).then(resolve, reject)
        return
      }
      passOn(incoming, answered, response, resolve)
    })
    // Nobody asked for another protocol.
    outgoing.on('upgrade', (_incoming, other: Duplex) => {
      other.destroy()
      reject(internalError(new Error('the server behind switched to a protocol that nobody asked for')))
    })
    response.on('close', () => {
      outgoing.destroy()
      resolve()
    })
    raw.pipe(outgoing)
  })
}

function passOn(incoming: IncomingMessage, headers: OutgoingHttpHeaders, response: ServerResponse, ended: () => void): void {
  response.writeHead(incoming.statusCode ?? 502, headers)
  // A log that is followed has nothing to say for a long time: the client must not wait for the headers.
  response.flushHeaders()
  incoming.pipe(response)
  incoming.on('error', () => response.destroy())
  incoming.on('end', ended)
}

const REDIRECTED = 'the backend attempted to redirect this request, which is not permitted'

const isRedirect = ({ statusCode = 0, headers }: IncomingMessage) =>
  statusCode >= 300 && statusCode <= 399 && headers.location !== undefined

const isHtml = ({ headers }: IncomingMessage) => headers['content-type']?.split(';', 1)[0]!.trim() === 'text/html'

function withoutConnectionHeaders(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const { connection: _connection, 'keep-alive': _keepAlive, 'transfer-encoding': _encoding, ...rest } = headers
  return rest
}

export const whyUnreachable = (error: Error & { code?: string }, { host, port }: Target): string =>
  dialError(error, host, port) ?? error.message

/**
 * SPDY and WebSocket alike: from 101 on bytes are bytes. Until then nothing that the client
 * sends gets through, and after a refusal nothing ever: that connection is ours, by our own certificate, and a second request
 * on it would be one that nobody has authorized.
 */
function relayUpgrade(request: ApiRequest, target: Target): Promise<void> {
  const { raw, response } = request
  const { host, port, path, tls } = target
  return new Promise((resolve, reject) => {
    const client = raw.socket
    const outgoing = (tls ? httpsRequest : httpRequest)({
      host,
      port,
      path,
      method: raw.method,
      headers: { ...upgradeHeaders(raw, target), host: `${host}:${port}` },
      agent: false,
      ...(tls && { ALPNProtocols: ['http/1.1'], ...tls }),
    })
    const giveUp = () => {
      outgoing.destroy()
      resolve()
    }
    client.on('close', giveUp)
    outgoing.on('error', (error) => reject(unclassified(`error dialing backend: ${whyUnreachable(error, target)}`)))
    outgoing.on('response', (incoming) => {
      const { statusCode = 502 } = incoming
      if (statusCode >= 400) return passOn(incoming, withoutConnectionHeaders(incoming.headers), response, resolve)
      incoming.destroy()
      reject(internalError(new Error(`invalid upgrade response: status code ${statusCode}`)))
    })
    outgoing.on('upgrade', (incoming, other: Duplex, head: Buffer) => {
      takeSocket(request)
      client.off('close', giveUp)
      client.write(switchingHead(incoming))
      if (head.length > 0) client.write(head)
      const early = upgradeHead(raw)
      if (early.length > 0) other.write(early)
      join(client, other)
      resolve()
    })
    outgoing.end()
  })
}

function join(client: Socket, other: Duplex): void {
  // Interactive: a key stroke must not wait for the next.
  client.setNoDelay(true)
  client.setTimeout(0)
  client.pipe(other).pipe(client)
  const end = () => {
    client.destroy()
    other.destroy()
  }
  for (const side of [client, other]) side.on('close', end).on('error', end)
}

/** Written as they came, names and order, as clients of these protocols know them. */
function switchingHead({ rawHeaders, statusMessage }: IncomingMessage): string {
  const lines = [`HTTP/1.1 101 ${statusMessage || 'Switching Protocols'}`]
  for (let index = 0; index < rawHeaders.length; index += 2) lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

function upgradeHeaders(raw: IncomingMessage, target: Target): OutgoingHttpHeaders {
  // Clients of SPDY repeat a header for each version that they speak, and old servers read no lists.
  const { 'content-length': _length, ...passed } = passedHeaders(raw.headersDistinct, target)
  const protocols = raw.headers['sec-websocket-protocol']
  return {
    ...passed,
    ...(protocols !== undefined && { 'sec-websocket-protocol': withoutToken(protocols) }),
    connection: 'Upgrade',
    upgrade: raw.headers.upgrade,
    ...target.headers,
  }
}

/** Browsers send their token among the protocols: it stays here, with the rest of the credentials. */
const withoutToken = (protocols: string): string =>
  protocols
    .split(',')
    .map((one) => one.trim())
    .filter((one) => !one.startsWith('base64url.bearer.authorization.k8s.io.'))
    .join(', ')
