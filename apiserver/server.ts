/** The HTTPS server around the request handler: TLS, connection limits, upgrades, and an orderly end. */
import { once } from 'node:events'
import { ServerResponse, type IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from '../component/logger.ts'
import type { ApiRequest } from './api-context.ts'
import type { RequestHandler } from './request-handler.ts'

export interface ServerOptions {
  /** `ca` holds the authorities of clients and of the front proxy. */
  tls: { cert: string; key: string; ca?: string | undefined }
  host: string
  /** 0 takes any free port. */
  port: number
  handle: RequestHandler
  logger: Logger
}

export interface ApiServer {
  port: number
  /** No new connections; those that are at work may finish for `graceMs`, then all are cut. */
  stop(graceMs: number): Promise<void>
}

const SWEEP_MS = 25

export async function startServer({ tls, host, port, handle, logger }: ServerOptions): Promise<ApiServer> {
  const server = createServer(
    {
      ...tls,
      minVersion: 'TLSv1.2',
      // Judged by the authenticator: a handshake that fails tells the client nothing.
      requestCert: true,
      rejectUnauthorized: false,
      maxHeaderSize: 64 * 1024,
      noDelay: true,
    },
    handle,
  )
  // Node closes idle connections after 5 s, which clients meet as resets; upstream's clients drop theirs after 90 s.
  server.keepAliveTimeout = 180_000
  server.headersTimeout = 32_000
  // How long the request itself may take to arrive. Answers, and so watches, have no limit here.
  server.requestTimeout = 75_000
  server.timeout = 0
  // An upgraded connection is no longer the server's: nobody else would end it.
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket)
    socket.on('close', () => upgraded.delete(socket))
    handleUpgrade(handle, request, socket, head)
  })
  server.on('tlsClientError', (error) => logger.debug('TLS handshake failed', { error: error.message }))
  server.on('clientError', (_error, socket: Duplex) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  server.listen({ port, host, backlog: 4096 })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: (graceMs) => {
      for (const socket of upgraded) socket.destroy()
      return stop(server, graceMs)
    },
  }
}

function stop(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    // Watches end now, and their connections would stay for the next request: Node does not tell when one becomes idle.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
    server.close(() => {
      clearTimeout(timer)
      clearInterval(sweep)
      resolve()
    })
    server.closeIdleConnections()
  })
}

/** Bytes that came with the request of an upgrade belong to the new protocol. */
const heads = new WeakMap<IncomingMessage, Buffer>()

export const upgradeHead = (request: IncomingMessage): Buffer => heads.get(request) ?? Buffer.alloc(0)

/**
 * The connection is no longer the answer's: it speaks another protocol from here on. What waits for the end of the request, the audit
 * log and the metrics, hears of the end of the connection.
 */
export function takeSocket({ raw, response, audit }: Pick<ApiRequest, 'raw' | 'response' | 'audit'>): Socket {
  const { socket } = raw
  response.detachSocket(socket)
  response.statusCode = 101
  audit?.started(101)
  socket.once('close', () => response.emit('close'))
  return socket
}

/** An upgrade goes the way of every request; the endpoint takes the socket over, or answers on it as usual. */
function handleUpgrade(handle: RequestHandler, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  heads.set(request, head)
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as never)
  socket.on('error', () => socket.destroy())
  response.on('finish', () => socket.end())
  handle(request, response)
}
