import { describe, expect, it } from 'vitest'
import type { EndpointSlice, Namespace, Service } from '../../api/generated/types.ts'
import { type DnsRecord, resolve } from './resolve.ts'
import { type ClusterView, serviceIndexes, sliceIndexes } from './zone.ts'

const meta = (name: string, namespace = 'shop', labels: Record<string, string> = {}) => ({ name, namespace, uid: name, labels })
const service = (name: string, spec: Partial<Service['spec']>): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta(name),
  spec: { ...spec },
})
const slice = (name: string, endpoints: EndpointSlice['endpoints'], addressType = 'IPv4'): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: meta(`${name}-${addressType}`, 'shop', { 'kubernetes.io/service-name': name }),
  addressType,
  endpoints,
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
})

const services = [
  service('web', {
    clusterIP: '10.96.0.20',
    clusterIPs: ['10.96.0.20', 'fd00::20'],
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  }),
  service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'http', port: 80 }] }),
  service('away', { type: 'ExternalName', externalName: 'example.com' }),
  service('empty', { clusterIP: 'None' }),
]
const slices = [
  slice('db', [
    { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.2.6'], conditions: {} },
    { addresses: ['10.244.3.7'], hostname: 'db-2', conditions: { ready: false } },
  ]),
  slice('db', [{ addresses: ['fd00:1::5'], hostname: 'db-0' }], 'IPv6'),
]

const cluster: ClusterView = {
  service: (namespace, name) => services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
  namespace: (name) => (name === 'shop' ? ({ metadata: { name, uid: name } } as Namespace) : undefined),
  slices: (namespace, name) => slices.filter((each) => sliceIndexes.service(each).includes(`${namespace}/${name}`)),
  serviceByAddress: (address) => services.find((each) => serviceIndexes.address(each).includes(address)),
  slicesByAddress: (address) => slices.filter((each) => sliceIndexes.address(each).includes(address)),
}
const ask = (name: string, type = 'A') => resolve({ name, type }, cluster, 'cluster.local')

/** `found: data, data`, or what kind of nothing. */
function show(name: string, type = 'A'): string {
  const resolution = ask(name, type)
  if (resolution.kind !== 'found') return resolution.kind
  const text = ({ type: found, data }: DnsRecord) => `${found} ${typeof data === 'string' ? data : `${data.port} ${data.target}`}`
  return resolution.answers.map(text).join(', ') || 'nothing of that type'
}

describe('a question about the cluster', () => {
  it.each([
    ['web.shop.svc.cluster.local', 'A', 'A 10.96.0.20'],
    ['WEB.Shop.svc.cluster.local.', 'A', 'A 10.96.0.20'],
    ['web.shop.svc.cluster.local', 'AAAA', 'AAAA fd00::20'],
    ['web.shop.svc.cluster.local', 'MX', 'nothing of that type'],
    ['_http._tcp.web.shop.svc.cluster.local', 'SRV', 'SRV 80 web.shop.svc.cluster.local'],
    ['_http._udp.web.shop.svc.cluster.local', 'SRV', 'missing'],
    ['_no._tcp.web.shop.svc.cluster.local', 'SRV', 'missing'],
    ['pod.web.shop.svc.cluster.local', 'A', 'missing'],
    ['db.shop.svc.cluster.local', 'A', 'A 10.244.1.5, A 10.244.2.6'],
    ['db.shop.svc.cluster.local', 'AAAA', 'AAAA fd00:1::5'],
    ['db-0.db.shop.svc.cluster.local', 'A', 'A 10.244.1.5'],
    ['10-244-2-6.db.shop.svc.cluster.local', 'A', 'A 10.244.2.6'],
    ['db-2.db.shop.svc.cluster.local', 'A', 'missing'],
    [
      '_http._tcp.db.shop.svc.cluster.local',
      'SRV',
      'SRV 8080 db-0.db.shop.svc.cluster.local, SRV 8080 10-244-2-6.db.shop.svc.cluster.local, SRV 8080 db-0.db.shop.svc.cluster.local',
    ],
    ['empty.shop.svc.cluster.local', 'A', 'nothing of that type'],
    ['away.shop.svc.cluster.local', 'A', 'CNAME example.com'],
    ['away.shop.svc.cluster.local', 'CNAME', 'CNAME example.com'],
    ['none.shop.svc.cluster.local', 'A', 'missing'],
    ['shop.svc.cluster.local', 'A', 'nothing of that type'],
    ['nowhere.svc.cluster.local', 'A', 'missing'],
    ['svc.cluster.local', 'A', 'nothing of that type'],
    ['other.cluster.local', 'A', 'missing'],
    ['dns-version.cluster.local', 'TXT', 'TXT 1.1.0'],
    ['10-244-1-5.shop.pod.cluster.local', 'A', 'A 10.244.1.5'],
    ['10-244-1-5.shop.pod.cluster.local', 'AAAA', 'nothing of that type'],
    ['10-244-1-5.nowhere.pod.cluster.local', 'A', 'missing'],
    ['hello.shop.pod.cluster.local', 'A', 'missing'],
    ['20.0.96.10.in-addr.arpa', 'PTR', 'PTR web.shop.svc.cluster.local'],
    ['5.1.244.10.in-addr.arpa', 'PTR', 'PTR db-0.db.shop.svc.cluster.local'],
    ['9.9.9.9.in-addr.arpa', 'PTR', 'elsewhere'],
    ['0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa', 'PTR', 'PTR web.shop.svc.cluster.local'],
    ['example.com', 'A', 'elsewhere'],
    ['notcluster.local', 'A', 'elsewhere'],
  ])('%s %s is %s', (name, type, expected) => {
    expect(show(name, type)).toBe(expected)
  })

  it('for a port brings the addresses of its targets along', () => {
    const resolution = ask('_http._tcp.web.shop.svc.cluster.local', 'SRV')
    expect(resolution.kind === 'found' && resolution.additionals).toEqual([
      { name: 'web.shop.svc.cluster.local', type: 'A', data: '10.96.0.20' },
      { name: 'web.shop.svc.cluster.local', type: 'AAAA', data: 'fd00::20' },
    ])
  })
})
