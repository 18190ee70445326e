/** kube-proxy: wiring only. */
import { hostname } from 'node:os'
import { loadComponentConfig } from '../client/kubeconfig.ts'
import { createApiClient } from '../client/rest-client.ts'
import { systemClock as clock } from '../component/clock.ts'
import { createHealth } from '../component/health.ts'
import { createLogger, type LogLevel } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { createSelfSigned } from '../component/self-signed.ts'
import { serve, type Served } from '../component/serve.ts'
import { orExit, runUntilSignal } from '../component/shutdown.ts'
import { BACKENDS } from './backends/list.ts'
import { isLoopback, parseBindAddress, parseProxyFlags } from './flags.ts'
import { startHealthServer, syncProblem } from './health-server.ts'
import { createPolicyBackend } from './network-policy/policy-backend.ts'
import { runProxy, type RunningProxy } from './run-proxy.ts'

const component = 'kube-proxy'
const flags = orExit(() => parseProxyFlags(process.argv.slice(2)))
const logger = createLogger({ component, level: flags['log-level'] as LogLevel, format: flags['log-format'] as 'text' | 'json' })

if (flags.cleanup) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    await createPolicyBackend(family).replace(null, new Map())
    for (const create of Object.values(BACKENDS)) await create({ family }).cleanUp()
  }
  process.exit(0)
}

async function serveMetrics(metrics: ReturnType<typeof createMetrics>, proxy: RunningProxy): Promise<Served | undefined> {
  const address = parseBindAddress(flags['metrics-bind-address'])
  if (!address) return undefined
  return serve({
    tls: await createSelfSigned(component, ['localhost', hostname()], ['127.0.0.1']),
    ...address,
    health: createHealth([{ name: 'rules', check: () => syncProblem(proxy.status(), clock.now()) }]),
    metrics,
    routes: [
      { path: '/proxyMode', handle: () => ({ status: 200, body: flags['proxy-mode'] }) },
      {
        path: '/proxyz',
        handle: () => ({ status: 200, body: JSON.stringify(proxy.servicePorts(), null, 2), contentType: 'application/json' }),
      },
    ],
    // Who is on the node sees its rules anyway; from elsewhere only health answers.
    authorize: () => isLoopback(address.host),
    logger,
  })
}

await runUntilSignal(
  async (signal) => {
    const client = createApiClient(await loadComponentConfig(flags.kubeconfig), { userAgent: component, connections: 4 })
    const metrics = createMetrics()
    const nodeName = (flags['hostname-override'] ?? hostname()).trim().toLowerCase()
    const stopping = new AbortController()
    const proxy = await runProxy({ client, clock, logger, metrics, flags, nodeName }, AbortSignal.any([signal, stopping.signal]))
    const address = parseBindAddress(flags['healthz-bind-address'])
    const health = address
      ? await startHealthServer({ ...address, clock, metrics, status: proxy.status, eligible: proxy.eligible })
      : undefined
    const served = await serveMetrics(metrics, proxy)
    return {
      // Rules stay: services must work while the proxy restarts.
      async stop() {
        stopping.abort()
        await Promise.all([proxy.stop(), health?.close(), served?.close()])
        await client.close()
      },
    }
  },
  { logger },
)
