/** Plain HTTP for load balancers, as upstream: is this proxy alive, and does this node have endpoints of a service. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'

export interface SyncStatus {
  lastSynced: Date | undefined
  waitingSince: Date | undefined
}

/** A change that has waited longer than this means that rules cannot be written. */
const patienceMs = 60_000

/** Null when healthy, else why not. */
export function syncProblem({ lastSynced, waitingSince }: SyncStatus, now: Date): string | null {
  if (!lastSynced) return 'rules have not been written yet'
  if (waitingSince && now.getTime() - waitingSince.getTime() > patienceMs)
    return `changes wait since ${waitingSince.toISOString()}`
  return null
}

export interface HealthServerOptions {
  host: string
  port: number
  clock: Clock
  metrics: Metrics
  status: () => SyncStatus
  /** False while the node is on its way out: balancers should send nothing new. */
  eligible: () => boolean
}

export interface Closeable {
  port: number
  close(): Promise<void>
}

export function startHealthServer({ host, port, clock, metrics, status, eligible }: HealthServerOptions): Promise<Closeable> {
  const counters = new Map(
    ['healthz', 'livez'].map((name) => [
      `/${name}`,
      metrics.counter(`kubeproxy_proxy_${name}_total`, `Cumulative proxy ${name} HTTP status`, ['code']),
    ]),
  )
  return listen(host, port, (request, response) => {
    const path = request.url?.split('?')[0]
    if (path !== '/healthz' && path !== '/livez') return response.writeHead(404).end('404 page not found\n')
    const now = clock.now()
    const healthy = syncProblem(status(), now) === null && (path === '/livez' || eligible())
    const lastUpdated = healthy ? now : (status().lastSynced ?? new Date(0))
    const nodeEligible = path === '/healthz' ? { nodeEligible: eligible() } : {}
    const code = healthy ? 200 : 503
    counters.get(path)?.inc({ code }, 1)
    response.writeHead(code, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
    response.end(JSON.stringify({ lastUpdated: goTime(lastUpdated), currentTime: goTime(now), ...nodeEligible }))
  })
}

/** Go prints times in these answers with `Time.String()`. */
const goTime = (date: Date): string => `${date.toISOString().replace('T', ' ').replace('Z', '')} +0000 UTC`

export interface ServiceHealth {
  namespace: string
  name: string
  port: number
  localEndpoints: number
}

export interface ServiceHealthServers {
  /** Opens, changes and closes servers so that there is one for each of these. */
  set(services: readonly ServiceHealth[]): Promise<void>
  close(): Promise<void>
}

/** One small server for each service with external policy Local, on its health check node port. */
export function createServiceHealthServers(host: string, healthy: () => boolean, logger: Logger): ServiceHealthServers {
  const servers = new Map<number, Closeable>()
  const state = new Map<number, ServiceHealth>()
  const close = async (port: number) => {
    const server = servers.get(port)
    servers.delete(port)
    state.delete(port)
    await server?.close()
  }
  const open = async (port: number) => {
    try {
      servers.set(
        port,
        await listen(host, port, (_, response) => {
          const { namespace, name, localEndpoints } = state.get(port) ?? { namespace: '', name: '', localEndpoints: 0 }
          const serviceProxyHealthy = healthy()
          response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
            'content-type': 'application/json',
            'x-content-type-options': 'nosniff',
            'x-load-balancing-endpoint-weight': String(localEndpoints),
          })
          response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }))
        }),
      )
    } catch (error) {
      // Someone else has the port: the service works, only its balancer does not learn where.
      logger.warn('cannot serve a health check node port', { port, error: String(error) })
    }
  }
  return {
    async set(services) {
      const wanted = new Map(services.map((service) => [service.port, service]))
      for (const port of Array.from(servers.keys())) if (!wanted.has(port)) await close(port)
      for (const [port, service] of wanted) {
        state.set(port, service)
        if (!servers.has(port)) await open(port)
      }
    },
    close: async () => void (await Promise.all([...servers.keys()].map(close))),
  }
}

async function listen(host: string, port: number, listener: RequestListener): Promise<Closeable> {
  const server = createServer(listener)
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
