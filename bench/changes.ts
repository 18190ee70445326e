/**
 * Times how soon a change shows where it is used: an endpoint in the answers of the DNS, a new load balancer's address on this machine.
 * Needs a running lab. The DNS is asked from where pods ask it, so that part runs on a node:
 * `ip netns exec kubelab-LAB-node-1 node bench/changes.ts --only dns`, and `node bench/changes.ts --only balancer` beside it.
 */
import { Resolver } from 'node:dns/promises'
import { request } from 'node:http'
import { parseArgs } from 'node:util'
import type { Deployment, EndpointSlice, Service } from '../api/generated/types.ts'
import type { New } from '../api/object.ts'
import { loadClientConfig } from '../client/kubeconfig.ts'
import { createApiClient } from '../client/rest-client.ts'
import { inNamespace } from './pods/watching.ts'

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    only: { type: 'string', default: 'balancer' },
    rounds: { type: 'string', default: '100' },
    image: { type: 'string', default: 'kubelab/web:1.0' },
    dns: { type: 'string', default: '10.96.0.10' },
  },
})
const client = createApiClient(await loadClientConfig({ path: values.kubeconfig }))

function print(what: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1)
  console.log(`${what}: p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  of ${times.length}`)
}

/** From the request that writes an endpoint to the answer that has it. */
async function dns(rounds: number): Promise<void> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([values.dns])
  const times: number[] = []
  await inNamespace(client, 'bench-dns', async (namespace) => {
    const key = { namespace, name: 'moving' }
    await client.create('Service', { metadata: key, spec: { clusterIP: 'None', ports: [{ port: 80 }] } } as New<Service>)
    await client.create('EndpointSlice', {
      metadata: { ...key, labels: { 'kubernetes.io/service-name': 'moving' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.0.1'] }],
      ports: [{ port: 80 }],
    } as New<EndpointSlice>)
    for (let round = 0; round < rounds; round++) {
      const address = `10.1.${1 + Math.floor(round / 200)}.${1 + (round % 200)}`
      const began = performance.now()
      const written = client.patch(
        'EndpointSlice',
        key,
        { endpoints: [{ addresses: [address] }] },
        { type: 'application/merge-patch+json' },
      )
      while (!(await resolver.resolve4(`moving.${namespace}.svc.cluster.local`).catch((): string[] => [])).includes(address));
      times.push(performance.now() - began)
      await written
    }
  })
  print('an endpoint is in the DNS', times)
}

const answers = (host: string) =>
  new Promise<boolean>((resolve) => {
    request({ host, timeout: 1000 }, (response) => resolve(response.resume().statusCode === 200))
      .on('error', () => resolve(false))
      .end()
  })

/** From the service, whose endpoints are ready, to the first answer by its address; and of that, to the address itself. */
async function balancer(rounds: number): Promise<void> {
  const addressed: number[] = []
  const answered: number[] = []
  await inNamespace(client, 'bench-balancer', async (namespace) => {
    const app = { app: 'web' }
    const container = { name: 'web', image: values.image, readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 } }
    await client.create('Deployment', {
      metadata: { namespace, name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: app },
        template: { metadata: { labels: app }, spec: { containers: [container] } },
      },
    } as unknown as New<Deployment>)
    while ((await client.get('Deployment', { namespace, name: 'web' })).status?.readyReplicas !== 2);
    for (let round = 0; round < rounds; round++) {
      const key = { namespace, name: `web-${round}` }
      const began = performance.now()
      await client.create('Service', {
        metadata: key,
        spec: { type: 'LoadBalancer', selector: app, ports: [{ port: 80, targetPort: 8080 }] },
      } as unknown as New<Service>)
      let ip: string | undefined
      while (!ip) ip = (await client.get('Service', key)).status?.loadBalancer?.ingress?.[0]?.ip
      addressed.push(performance.now() - began)
      // The kernel says five times that nobody is there yet, and then lets a client wait for a second.
      while (!(await answers(ip))) await new Promise((resolve) => setTimeout(resolve, 40))
      answered.push(performance.now() - began)
      await client.delete('Service', key)
    }
  })
  print('a load balancer has its address', addressed)
  print('a load balancer answers this machine', answered)
}

if (values.only === 'dns') await dns(Number(values.rounds))
else await balancer(Number(values.rounds))
await client.close?.()
