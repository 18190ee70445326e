/**
 * Requests a second straight to a pod against through its service's address, among 1,000 other services. In turns, so that a
 * noisy machine is noisy for both: the ratio of each pair counts.
 */
import type { EndpointSlice, Service } from '../../api/generated/types.ts'
import type { ProxyMode } from '../../kube-proxy/backends/backend.ts'
import { BACKENDS } from '../../kube-proxy/backends/list.ts'
import { computeRules } from '../../kube-proxy/compute-rules.ts'
import { servicePortsOf } from '../../kube-proxy/service-ports.ts'
import { createNetwork, type Machine } from '../../test/kube-proxy/network.ts'

export interface Ways {
  direct: number
  service: number
  /** Of each pair of runs, service to direct; sorted. */
  ratios: number[]
}

const SECONDS = 1

export async function compareWays(mode: ProxyMode, { pairs, kept }: { pairs: number; kept: boolean }): Promise<Ways> {
  const network = await createNetwork('bench', 2)
  try {
    const [server, client] = network.pods
    const backend = BACKENDS[mode]({ family: 'IPv4', run: network.node.run })
    const node = { name: 'a', zone: undefined, clusterCidrs: ['10.244.0.0/16'], masqueradeAll: false }
    for (let index = 0; index < 1_000; index++) {
      const [service, slice] = objectsOf(index, server!.ip)
      backend.set(`default/web-${index}`, computeRules(servicePortsOf(service, [slice], node, 'IPv4'), node))
    }
    await backend.write()
    const rates: [direct: number, service: number][] = []
    for (let pair = 0; pair < pairs; pair++) {
      // The service in the middle of the list.
      const ways = [`${server!.ip}:8080`, '10.96.1.244:80'] as const
      const first = pair % 2
      const rate = [0, 0] as [number, number]
      for (const way of [first, 1 - first]) rate[way] = await requestsPerSecond(client!, ways[way]!, kept)
      rates.push(rate)
    }
    const mean = (pick: (rate: [number, number]) => number) => rates.reduce((sum, rate) => sum + pick(rate), 0) / rates.length
    return {
      direct: mean(([direct]) => direct),
      service: mean(([, service]) => service),
      ratios: rates.map(([direct, service]) => service / direct).toSorted((a, b) => a - b),
    }
  } finally {
    await network.remove()
  }
}

function objectsOf(index: number, ip: string): [Service, EndpointSlice] {
  const metadata = { namespace: 'default', name: `web-${index}`, uid: `${index}` }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { clusterIP: `10.96.${index >> 8}.${index & 255}`, ports: [{ port: 80, protocol: 'TCP' }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      metadata,
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: [ip], nodeName: 'a' }],
    },
  ]
}

async function requestsPerSecond({ run }: Machine, address: string, kept: boolean): Promise<number> {
  const header = kept ? [] : ['-H', 'Connection: close']
  const text = await run(['wrk', '-t1', '-c8', `-d${SECONDS}s`, ...header, `http://${address}/`])
  if (/Socket errors|Non-2xx/.test(text)) throw new Error(`Cannot compare: requests to ${address} failed: ${text}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1])
}
