/** Connections that outlive one answer: a body read as it comes, and WebSockets. */
import { request, type RequestOptions } from 'node:https'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import { fromStatus } from '../../api/status.ts'
import type { ClientConfig } from '../../client/kubeconfig.ts'
import { UnreachableError } from '../../client/rest-client.ts'

/** The TLS material and headers that every request of ours carries. */
async function connectionOptions(config: ClientConfig): Promise<RequestOptions & { headers: OutgoingHttpHeaders }> {
  const authorization = await config.authorization?.(false)
  return {
    ca: config.ca,
    cert: config.cert,
    key: config.key,
    rejectUnauthorized: !config.insecureSkipTlsVerify,
    ...(config.tlsServerName && { servername: config.tlsServerName }),
    headers: {
      'user-agent': 'kubelab',
      ...(authorization && { authorization }),
      ...impersonationHeaders(config),
    },
  }
}

function impersonationHeaders({ impersonate }: ClientConfig): OutgoingHttpHeaders {
  if (!impersonate) return {}
  const { user, uid, groups } = impersonate
  return {
    'impersonate-user': user,
    ...(uid && { 'impersonate-uid': uid }),
    ...(groups?.length && { 'impersonate-group': groups }),
  }
}

/** The body of a GET, piece by piece. Rejects with the server's error. */
export async function openBody(config: ClientConfig, path: string): Promise<AsyncIterable<Buffer>> {
  const options = await connectionOptions(config)
  const signal = config.requestTimeoutMs ? AbortSignal.timeout(config.requestTimeoutMs) : undefined
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(config.server + path, { ...options, ...(signal && { signal }) }, resolve)
      .on('error', (error: NodeJS.ErrnoException) =>
        reject(
          signal?.aborted
            ? signal.reason
            : new UnreachableError(`Cannot reach ${config.server}: ${error.message}`, error.code ?? '', error),
        ),
      )
      .end()
  })
  if ((response.statusCode ?? 500) < 400) return response
  throw await errorOf(response)
}

async function errorOf(response: IncomingMessage): Promise<Error> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  return fromStatus(jsonOr(text), response.statusCode ?? 500)
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page: it is the message itself.
    return text
  }
}

/** An open WebSocket that speaks one of the protocols, paused: resume it when its messages are listened to. Rejects with the server's error when it refuses to upgrade. */
export async function openWebSocket(config: ClientConfig, path: string, protocols: string[]): Promise<WebSocket> {
  const { headers, ...tls } = await connectionOptions(config)
  const socket = new WebSocket(config.server.replace(/^http/, 'ws') + path, protocols, {
    ...tls,
    headers,
    perMessageDeflate: false,
  })
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      // What came with the answer would be emitted before whoever awaits this can listen.
      socket.pause()
      resolve(socket)
    })
    socket.once('error', reject)
    socket.once('unexpected-response', (_, response) => {
      errorOf(response).then(reject, reject)
    })
  })
}

export interface Upgraded {
  socket: Duplex
  /** What came right after the answer. */
  head: Buffer
}

/** A POST that the server answers by speaking another protocol on the connection. Rejects with its error when it does not. */
export async function openUpgrade(config: ClientConfig, path: string, headers: OutgoingHttpHeaders): Promise<Upgraded> {
  const options = await connectionOptions(config)
  return new Promise((resolve, reject) => {
    request(config.server + path, {
      ...options,
      method: 'POST',
      headers: { ...options.headers, Connection: 'Upgrade', 'Content-Length': 0, ...headers },
    })
      .on('upgrade', (_, socket, head) => resolve({ socket, head }))
      .on('response', (response) => {
        errorOf(response).then(reject, reject)
      })
      .on('error', (error: NodeJS.ErrnoException) =>
        reject(new UnreachableError(`Cannot reach ${config.server}: ${error.message}`, error.code ?? '', error)),
      )
      .end()
  })
}
