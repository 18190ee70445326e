import { afterEach, describe, expect, it } from 'vitest'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { createServiceHealthServers, startHealthServer, type SyncStatus } from './health-server.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()))
})

const clock = createTestClock()
const now = () => clock.now()
async function ask(port: number, path: string) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { code: response.status, weight: response.headers.get('x-load-balancing-endpoint-weight'), text: await response.text() }
}

describe('the health of the proxy', () => {
  const cases: [string, SyncStatus, boolean, number, number][] = [
    ['that has written no rules yet', { lastSynced: undefined, waitingSince: undefined }, true, 503, 503],
    ['that has', { lastSynced: now(), waitingSince: undefined }, true, 200, 200],
    ['on a node that leaves', { lastSynced: now(), waitingSince: undefined }, false, 503, 200],
    ['that cannot write any more', { lastSynced: now(), waitingSince: new Date(now().getTime() - 61_000) }, true, 503, 503],
  ]
  it.each(cases)('%s', async (_, status, eligible, healthz, livez) => {
    const metrics = createMetrics({ processMetrics: false })
    const options = { host: '127.0.0.1', port: 0, clock, metrics, status: () => status, eligible: () => eligible }
    const server = await startHealthServer(options)
    opened.push(server)
    expect((await ask(server.port, '/healthz')).code).toBe(healthz)
    expect((await ask(server.port, '/livez')).code).toBe(livez)
    expect((await ask(server.port, '/other')).code).toBe(404)
    expect(await metrics.render()).toContain(`kubeproxy_proxy_healthz_total{code="${healthz}"} 1`)
  })
})

describe('a health check node port', () => {
  it('says how many endpoints of its service are here, and closes with it', async () => {
    const free = await startHealthServer({
      host: '127.0.0.1',
      port: 0,
      clock,
      metrics: createMetrics({ processMetrics: false }),
      status: () => ({ lastSynced: now(), waitingSince: undefined }),
      eligible: () => true,
    })
    await free.close()
    const { port } = free
    let healthy = true
    const servers = createServiceHealthServers('127.0.0.1', () => healthy, silentLogger)
    opened.push(servers)
    const service = { namespace: 'default', name: 'web', port }
    await servers.set([{ ...service, localEndpoints: 2 }])
    expect(await ask(port, '/')).toEqual({
      code: 200,
      weight: '2',
      text: '{"service":{"namespace":"default","name":"web"},"localEndpoints":2,"serviceProxyHealthy":true}',
    })
    await servers.set([{ ...service, localEndpoints: 0 }])
    expect((await ask(port, '/')).code).toBe(503)
    await servers.set([{ ...service, localEndpoints: 1 }])
    healthy = false
    expect((await ask(port, '/')).code).toBe(503)
    await servers.set([])
    await expect(ask(port, '/')).rejects.toThrow()
  })
})
