/** The small HTTPS server of scheduler, controller-manager and proxy: health for all, metrics and more for who may. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Health, HealthEndpoint } from './health.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

export interface Route {
  path: string
  handle: (request: { url: URL; method: string }) => Promise<RouteAnswer> | RouteAnswer
}

export interface RouteAnswer {
  status: number
  body: string
  contentType?: string
}

export interface ServeRequest {
  path: string
  method: string
  /** From `Authorization: Bearer`. */
  token: string | undefined
  /** Common name and organizations of a client certificate that the CA verified. */
  certificate: { commonName: string; organizations: readonly string[] } | undefined
}

export interface ServeOptions {
  tls: { cert: string; key: string; ca?: string | undefined }
  host: string
  /** 0 takes any free port. */
  port: number
  health: Health
  metrics: Metrics
  routes?: readonly Route[]
  /** Judges every path outside `alwaysAllow`. */
  authorize: (request: ServeRequest) => Promise<boolean> | boolean
  alwaysAllow?: readonly string[]
  logger: Logger
}

export interface Served {
  port: number
  close(): Promise<void>
}

const healthPaths = ['/healthz', '/livez', '/readyz']

export async function serve(options: ServeOptions): Promise<Served> {
  const { tls, host, port, logger } = options
  const server = createServer(
    { ...tls, minVersion: 'TLSv1.2', ...(tls.ca ? { requestCert: true, rejectUnauthorized: false } : {}) },
    (request, response) => {
      answer(request, options).then(
        ({ status, body, contentType = 'text/plain; charset=utf-8' }) => send(response, status, body, contentType),
        (error: unknown) => {
          logger.error('request failed', { url: request.url, error })
          send(response, 500, 'Internal Server Error\n', 'text/plain; charset=utf-8')
        },
      )
    },
  )
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(response: ServerResponse, status: number, body: string, contentType: string): void {
  response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' })
  response.end(body)
}

async function answer(
  request: IncomingMessage,
  { health, metrics, routes = [], authorize, alwaysAllow = healthPaths }: ServeOptions,
): Promise<RouteAnswer> {
  const url = new URL(request.url ?? '/', 'https://localhost')
  const method = request.method ?? 'GET'
  if (!alwaysAllow.some((path) => url.pathname === path || url.pathname.startsWith(`${path}/`))) {
    const allowed = await authorize({
      path: url.pathname,
      method,
      token: bearerToken(request),
      certificate: verifiedPeer(request),
    })
    if (!allowed) return { status: 403, body: 'Forbidden\n' }
  }
  const match = /^\/(healthz|livez|readyz)(?:\/(.+))?$/.exec(url.pathname)
  if (match) {
    const only = match[2] === undefined ? {} : { only: match[2] }
    return health.answer(match[1] as HealthEndpoint, {
      verbose: url.searchParams.has('verbose'),
      exclude: url.searchParams.getAll('exclude'),
      ...only,
    })
  }
  if (url.pathname === '/metrics') return { status: 200, body: await metrics.render(), contentType: metrics.contentType }
  const route = routes.find(({ path }) => path === url.pathname)
  return route ? route.handle({ url, method }) : { status: 404, body: '404 page not found\n' }
}

function bearerToken(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

function verifiedPeer(request: IncomingMessage): ServeRequest['certificate'] {
  const socket = request.socket as TLSSocket
  if (!socket.authorized) return undefined
  // Node types O as one string, but gives an array when the subject has several.
  const subject = socket.getPeerCertificate().subject as { CN?: string; O?: string | string[] } | undefined
  if (!subject?.CN) return undefined
  return { commonName: subject.CN, organizations: [subject.O ?? []].flat() }
}
