/**
 * Requests straight to a pod against through its service's address, among 1,000 other services. One after the other, in turns, so
 * that a noisy machine is noisy for both: medians of many single requests are compared.
 */
import type { EndpointSlice, Service } from '../../api/generated/types.ts'
import type { ProxyMode } from '../../kube-proxy/backends/backend.ts'
import { BACKENDS } from '../../kube-proxy/backends/list.ts'
import { computeRules } from '../../kube-proxy/compute-rules.ts'
import { servicePortsOf } from '../../kube-proxy/service-ports.ts'
import { createNetwork } from '../../test/kube-proxy/network.ts'

/** Microseconds a request, the median. */
export interface Ways {
  direct: number
  service: number
}

export async function compareWays(mode: ProxyMode, options: { requests: number; kept: boolean }): Promise<Ways> {
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
    // The service in the middle of the list.
    const ways = [`${server!.ip}:8080`, '10.96.1.244:80']
    const words = [String(options.requests), options.kept ? 'kept' : 'new', ...ways]
    const text = await client!.run([process.execPath, '--no-warnings', '-e', clientSource, '--', ...words])
    const [direct = 0, service = 0] = JSON.parse(text) as number[]
    return { direct, service }
  } finally {
    await network.remove()
  }
}

const clientSource = `
  const { connect } = require('node:net')
  const [requests, kept, ...ways] = process.argv.slice(1)
  const open = (way) => new Promise((resolve, reject) => {
    const [host, port] = way.split(':')
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket)).once('error', reject)
  })
  const ask = (socket) => new Promise((resolve) => {
    socket.once('data', resolve)
    socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
  })
  const main = async () => {
    const sockets = kept === 'kept' ? await Promise.all(ways.map(open)) : []
    const times = ways.map(() => [])
    for (let index = 0; index < requests; index++) {
      for (const way of index % 2 ? [1, 0] : [0, 1]) {
        const began = performance.now()
        const socket = sockets[way] ?? (await open(ways[way]))
        await ask(socket)
        times[way].push(performance.now() - began)
        if (!sockets[way]) socket.destroy()
      }
    }
    console.log(JSON.stringify(times.map((all) => all.sort((a, b) => a - b)[all.length >> 1] * 1000)))
    process.exit()
  }
  main()`

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
