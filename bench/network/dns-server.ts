/** The cluster DNS's sockets and answers over a made-up cluster of 1,000 services; says its port, then its CPU time when told to end. */
import { serveDns } from '../../addons/dns/server.ts'
import type { ClusterView } from '../../addons/dns/zone.ts'
import type { EndpointSlice, Namespace, Service } from '../../api/generated/types.ts'
import { createLogger } from '../../component/logger.ts'

const services = new Map<string, Service>()
const slices = new Map<string, EndpointSlice[]>()
for (let index = 0; index < 1_000; index++) {
  const name = `web-${index}`
  const headless = index % 10 === 0
  const clusterIP = headless ? 'None' : `10.96.${index >> 8}.${index & 255}`
  services.set(name, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name, uid: name },
    spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  })
  slices.set(name, [
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'shop', uid: name },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: 10 }, (_, each) => ({ addresses: [`10.244.${index >> 5}.${((index & 31) << 3) + each}`] })),
    },
  ])
}
const shop = { metadata: { name: 'shop' } } as Namespace
const cluster: ClusterView = {
  service: (namespace, name) => (namespace === 'shop' ? services.get(name) : undefined),
  namespace: (name) => (name === 'shop' ? shop : undefined),
  slices: (_, name) => slices.get(name) ?? [],
  serviceByAddress: () => undefined,
  slicesByAddress: () => [],
}
const server = await serveDns(
  { cluster, domain: 'cluster.local', ttl: 5, forward: null },
  { address: '127.0.0.1', port: 0, logger: createLogger({ component: 'bench', level: 'error' }) },
)
console.log(server.port)
let before = process.cpuUsage()
process.on('message', async (word) => {
  if (word === 'start') before = process.cpuUsage()
  else if (word === 'end') {
    const { user, system } = process.cpuUsage(before)
    process.send!({ cpuSeconds: (user + system) / 1e6, rssMb: process.memoryUsage().rss / 2 ** 20 })
  } else await server.close().then(() => process.disconnect())
})
