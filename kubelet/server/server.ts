/** The kubelet's HTTPS server: logs, exec, attach, port-forward, and what it knows of its pods and its node. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { messageOf } from '../../api/error-message.ts'
import { isApiError, type ApiError, internalError } from '../../api/status.ts'
import type { Health } from '../../component/health.ts'
import type { Logger } from '../../component/logger.ts'
import type { Metrics } from '../../component/metrics.ts'
import type { RenewedServing } from '../certificates/kubelet-certificates.ts'
import type { Kubelet } from '../kubelet.ts'
import type { ProbeCounts } from '../probes/probe-counts.ts'
import type { Cri } from '../runtime/cri-client.ts'
import { requestUrl, type Authorizer } from './authorize.ts'
import { serveContainerLogs } from './container-logs.ts'
import { updateClaimGauges, updateGauges } from './kubelet-metrics.ts'
import type { Stats } from './stats.ts'
import { createStreamServer } from './streams.ts'
import { serveSystemLogs } from './system-logs.ts'

export interface KubeletServerOptions {
  tls: RenewedServing
  host: string
  /** 0 takes any free port. */
  port: number
  kubelet: Kubelet
  cri: Cri
  health: Health
  metrics: Metrics
  stats: Stats
  probeCounts: ProbeCounts
  nodeName: string
  authorize: Authorizer
  logger: Logger
}

export interface KubeletServer {
  port: number
  close(): Promise<void>
}

const systemLogFolder = '/var/log'
const streaming = /^\/(exec|attach|portForward)\//

export async function startServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { tls, host, port, kubelet, cri, logger } = options
  const streams = createStreamServer(kubelet, cri, logger)
  const server = createServer(
    { ...tls, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      answer(request, response, options).catch((error: unknown) => {
        if (!isApiError(error)) logger.error('request failed', { url: request.url, error })
        refuse(response, isApiError(error) ? error : internalError(error))
      })
    },
  )
  tls.onRenewed?.((renewed) => server.setSecureContext({ ...tls, ...renewed, minVersion: 'TLSv1.2' }))
  // Logs that are followed and streams that idle live as long as their client wants.
  server.requestTimeout = 0
  server.keepAliveTimeout = 120_000
  // Node's server forgets a connection once it is upgraded.
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    upgraded.add(client)
    client.once('close', () => upgraded.delete(client))
    upgrade(request, client, head, options, streams).catch((error: unknown) => {
      if (!isApiError(error)) logger.warn('cannot open a stream', { url: request.url, error: String(error) })
      refuseUpgrade(client, isApiError(error) ? error.code : 500, messageOf(error))
    })
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
        for (const client of upgraded) client.destroy()
      }),
  }
}

async function upgrade(
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
  { authorize }: KubeletServerOptions,
  streams: ReturnType<typeof createStreamServer>,
): Promise<void> {
  client.on('error', () => client.destroy())
  const authorization = await authorize(request)
  if (!authorization.allowed) return refuseUpgrade(client, authorization.status, authorization.message)
  const url = requestUrl(request.url)
  if (!url || !streaming.test(url.pathname)) return refuseUpgrade(client, 404, '404 page not found\n')
  await streams.serve(url, request, client, head)
}

/** As upstream, plain text: the API server wraps it for its client. */
function refuseUpgrade(client: Duplex, status: number, message: string): void {
  const body = Buffer.from(message)
  client.end(
    `HTTP/1.1 ${status} \r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${message}`,
  )
}

function refuse(response: ServerResponse, error: ApiError): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  send(response, error.code, 'text/plain; charset=utf-8', error.message)
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' })
  response.end(body)
}

async function answer(request: IncomingMessage, response: ServerResponse, options: KubeletServerOptions): Promise<void> {
  const { authorize, kubelet, health, metrics, stats } = options
  const text = (status: number, body: string) => send(response, status, 'text/plain; charset=utf-8', body)
  const json = (body: unknown) => send(response, 200, 'application/json', JSON.stringify(body))
  const authorization = await authorize(request)
  if (!authorization.allowed) return text(authorization.status, authorization.message)
  const url = requestUrl(request.url)
  if (!url) return text(400, 'the path is none\n')
  const parts = url.pathname.split('/').slice(1).map(decodeURIComponent)
  switch (parts[0]) {
    case 'containerLogs': {
      const [, namespace = '', pod = '', container = ''] = parts
      return serveContainerLogs(kubelet, [namespace, pod, container], url.searchParams, response)
    }
    case 'pods':
    case 'runningpods':
      return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: kubelet.pods() })
    case 'healthz': {
      const { status, body } = await health.answer('healthz', { verbose: url.searchParams.has('verbose') })
      return text(status, body)
    }
    case 'logs':
      return serveSystemLogs(systemLogFolder, url.pathname.slice('/logs'.length), request, response)
    case 'stats': {
      if (parts[1] !== 'summary') return text(404, '404 page not found\n')
      const only = url.searchParams.get('only_cpu_and_memory')
      return json(await stats.summary({ onlyCpuAndMemory: only === 'true' || only === '1' }))
    }
    case 'metrics':
      if (parts[1] === 'resource') return send(response, 200, metrics.contentType, await stats.resourceMetrics())
      if (parts[1] === 'cadvisor') return send(response, 200, metrics.contentType, await stats.containerMetrics())
      if (parts[1] === 'probes') return send(response, 200, metrics.contentType, options.probeCounts.render())
      if (parts[1]) return text(404, '404 page not found\n')
      updateGauges(metrics, kubelet, options.nodeName)
      updateClaimGauges(metrics, await stats.claims())
      return send(response, 200, metrics.contentType, await metrics.render())
    case 'checkpoint':
      // containerd of this generation cannot write checkpoints: said in the words of a runtime that knows no such call.
      return text(
        500,
        `checkpointing of ${parts.slice(1).join('/')} failed (rpc error: code = Unimplemented desc = unknown method CheckpointContainer for service runtime.v1.RuntimeService)`,
      )
    default:
      return text(404, '404 page not found\n')
  }
}
