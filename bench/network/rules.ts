/**
 * Times the rules of many services in the kernel of the namespace that it runs in: from nothing, after a restart, and one
 * endpoint's change. Prints one line of JSON; `bench/network.ts` starts it.
 */
import { parseArgs } from 'node:util'
import type { EndpointSlice, Service } from '../../api/generated/types.ts'
import { systemClock } from '../../component/clock.ts'
import { createLogger } from '../../component/logger.ts'
import { createMetrics } from '../../component/metrics.ts'
import type { ProxyMode } from '../../kube-proxy/backends/backend.ts'
import { BACKENDS } from '../../kube-proxy/backends/list.ts'
import { createForgetFlows } from '../../kube-proxy/forget-flows.ts'
import { createProxier } from '../../kube-proxy/proxier.ts'

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'iptables' },
    services: { type: 'string', default: '1000' },
    endpoints: { type: 'string', default: '10' },
    changes: { type: 'string', default: '40' },
  },
})
const count = Number(values.services)
const logger = createLogger({ component: 'bench', level: 'error' })

const keyOf = (index: number) => `default/web-${index}`
const services = new Map(
  Array.from({ length: count }, (_, index): [string, Service] => [
    keyOf(index),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'default', name: `web-${index}`, uid: `${index}` },
      spec: {
        clusterIP: `10.96.${1 + (index >> 8)}.${index & 255}`,
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      },
    },
  ]),
)
/** Each service has addresses of its own; `shift` exchanges the last of them. */
function sliceOf(index: number, shift = 0): EndpointSlice {
  const addresses = Array.from({ length: Number(values.endpoints) }, (_, each) => index * 16 + each)
  addresses.push(addresses.pop()! + (shift % 4))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: { name: `web-${index}`, uid: `${index}` },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((each) => ({ addresses: [`10.244.${each >> 8}.${each & 255}`], nodeName: 'a' })),
  }
}
const slices = new Map([...services.keys()].map((key, index) => [key, [sliceOf(index)]]))

function startProxier() {
  const proxier = createProxier({
    family: 'IPv4',
    backend: BACKENDS[values.mode as ProxyMode]({ family: 'IPv4' }),
    node: { name: 'a', zone: undefined, clusterCidrs: ['10.244.0.0/16'], masqueradeAll: false },
    serviceOf: (key) => services.get(key),
    slicesOf: (key) => slices.get(key) ?? [],
    forgetFlows: createForgetFlows(logger),
    clock: systemClock,
    logger,
    metrics: createMetrics({ processMetrics: false }),
  })
  proxier.start(services.keys())
  return proxier
}
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

let proxier = startProxier()
const fromNothing = await timed(() => proxier.settled())
await proxier.stop()
proxier = startProxier()
const afterRestart = await timed(() => proxier.settled())
const times: number[] = []
for (let change = 1; change <= Number(values.changes); change++) {
  const index = (change * 37) % count
  slices.set(keyOf(index), [sliceOf(index, change)])
  times.push(
    await timed(() => {
      proxier.touch(keyOf(index))
      return proxier.settled()
    }),
  )
}
await proxier.stop()
times.sort((a, b) => a - b)
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
console.log(
  JSON.stringify({
    fromNothing,
    afterRestart,
    p50: at(0.5),
    p90: at(0.9),
    rssMb: process.memoryUsage().rss / 2 ** 20,
    maxRssMb: process.resourceUsage().maxRSS / 1024,
  }),
)
