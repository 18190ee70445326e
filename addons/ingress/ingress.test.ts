/** From Ingress objects to HAProxy's configuration. */
import { describe, expect, it } from 'vitest'
import type { EndpointSlice, Ingress, IngressSpec, Secret, Service } from '../../api/generated/types.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { computeConfig } from './compute-config.ts'
import { computeRouting, type ClusterView } from './compute-routes.ts'

const service = (name: string, over: object = {}): Service =>
  ({ metadata: { namespace: 'a', name }, spec: { ports: [{ name: 'http', port: 80, ...over }] } }) as unknown as Service
const services: Record<string, Service> = {
  'a/web': service('web'),
  'a/grpc': service('grpc', { appProtocol: 'kubernetes.io/h2c' }),
}
const slices = [
  {
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [
      { addresses: ['10.0.0.2'], conditions: { ready: true } },
      { addresses: ['10.0.0.1'] },
      { addresses: ['10.0.0.3'], conditions: { ready: false } },
    ],
  },
  { addressType: 'FQDN', ports: [{ name: 'http', port: 8080 }], endpoints: [{ addresses: ['localhost'] }] },
] as unknown as EndpointSlice[]
const { cert, key } = await createSelfSigned('test', ['tls.example.org'], [])
const weak = await createSelfSigned('test', ['weak.example.org'], [])
const strange = await createSelfSigned('test', ['odd.example.org', '!tls.example.org', '[x'], [])
const encode = (text: string) => Buffer.from(text).toString('base64')
const secrets: Record<string, Secret> = {
  'a/good': { data: { 'tls.crt': encode(cert), 'tls.key': encode(key) } } as unknown as Secret,
  'a/weak': { data: { 'tls.crt': encode(weak.cert), 'tls.key': encode(weak.key) } } as unknown as Secret,
  'a/strange': { data: { 'tls.crt': encode(strange.cert), 'tls.key': encode(strange.key) } } as unknown as Secret,
  'a/bad': { data: { 'tls.crt': encode(cert), 'tls.key': encode('nonsense') } } as unknown as Secret,
}
const cluster: ClusterView = {
  service: (name) => services[name],
  slices: (name) => (services[name] ? slices : []),
  secret: (name) => secrets[name],
  isRefused: (pem) => pem.startsWith(weak.cert.trim()),
}
const web = { service: { name: 'web', port: { number: 80 } } }
const ingress = (spec: IngressSpec, name = 'i', created = '2026-01-01T00:00:00Z'): Ingress =>
  ({ metadata: { namespace: 'a', name, creationTimestamp: created }, spec }) as unknown as Ingress
const rule = (host: string | undefined, path: string, pathType: string, backend: object = web) => ({
  host,
  http: { paths: [{ path, pathType, backend }] },
})
const routing = (...ingresses: Ingress[]) => computeRouting(ingresses, cluster)
const config = (...ingresses: Ingress[]) => computeConfig(routing(...ingresses), '/f', 'pem').get('haproxy.cfg')!
const usesOf = (text: string) => [...text.matchAll(/^ {2}use_backend \S+ if (.*)$/gm)].map(([, condition]) => condition)
const complaints = (...ingresses: Ingress[]) =>
  routing(...ingresses).complaints.map(({ reason, about }) => `${about.metadata.name}: ${reason}`)

describe('a rule', () => {
  const host = "{ var(txn.host) -m str 'h.org' }"
  it.each([
    ['of type Exact', rule('h.org', '/a', 'Exact'), [`${host} { path -m str '/a' }`]],
    [
      'of type Prefix compares whole elements',
      rule('h.org', '/a/', 'Prefix'),
      [`${host} { path -m str '/a' } or ${host} { path -m beg '/a/' }`],
    ],
    ['of an own type is a prefix', rule('h.org', '/', 'ImplementationSpecific'), [host]],
    ['without host is for every host', rule(undefined, '/', 'Prefix'), ['{ always_true }']],
    ['of a wildcard takes one label', rule('*.h.org', '/', 'Prefix'), ["{ var(txn.host) -m reg '^[^.]+\\.h\\.org$' }"]],
  ])('%s', (_, one, conditions) => expect(usesOf(config(ingress({ rules: [one] })))).toEqual(conditions))

  it('that says more comes first', () => {
    const rules = [
      rule(undefined, '/', 'Prefix'),
      rule('*.h.org', '/', 'Prefix'),
      rule('h.org', '/', 'Prefix'),
      rule('h.org', '/a', 'Prefix'),
      rule('h.org', '/a', 'Exact'),
    ]
    expect(routing(ingress({ rules })).routes.map(({ host, path, type }) => `${host}${path} ${type}`)).toEqual([
      'h.org/a Exact',
      'h.org/a Prefix',
      'h.org/ Prefix',
      '*.h.org/ Prefix',
      '/ Prefix',
    ])
  })

  it('belongs to the older ingress, and the younger hears of it', () => {
    const [old, young] = [
      ingress({ rules: [rule('h.org', '/', 'Prefix')] }, 'old'),
      ingress({ rules: [rule('h.org', '/', 'Prefix')] }, 'young', '2026-02-01T00:00:00Z'),
    ]
    expect(complaints(young, old)).toEqual(['young: Conflict'])
  })
})

describe('a backend', () => {
  it('has the ready endpoints as servers', () => {
    expect(config(ingress({ rules: [rule('h.org', '/', 'Prefix')] }))).toContain(
      'backend a_web_80\n  balance roundrobin\n  server s0 10.0.0.1:8080\n  server s1 10.0.0.2:8080\n',
    )
  })
  it('speaks HTTP/2 where the port says so', () => {
    const grpc = { service: { name: 'grpc', port: { name: 'http' } } }
    expect(config(ingress({ rules: [rule('h.org', '/', 'Prefix', grpc)] }))).toContain('server s0 10.0.0.1:8080 proto h2')
  })
  it('by default takes what no rule takes', () => {
    expect(config(ingress({ defaultBackend: web }))).toContain('default_backend a_web_80')
    expect(config()).toContain('default_backend nothing')
    expect(usesOf(config(ingress({ defaultBackend: web, rules: [rule('h.org', '/a', 'Exact')] })))).toHaveLength(2)
  })
})

describe('what is wrong costs itself alone', () => {
  const good = ingress({ rules: [rule('good.org', '/', 'Prefix')] }, 'good')
  it.each([
    [
      'a service that is not there',
      { rules: [rule('h.org', '/', 'Prefix', { service: { name: 'no', port: { number: 80 } } })] },
      'ServiceNotFound',
    ],
    [
      'a port that is not there',
      { rules: [rule('h.org', '/', 'Prefix', { service: { name: 'web', port: { number: 81 } } })] },
      'PortNotFound',
    ],
    [
      'a backend of another kind',
      { rules: [rule('h.org', '/', 'Prefix', { resource: { kind: 'Bucket', name: 'b' } })] },
      'UnsupportedBackend',
    ],
    ['a path that would end the quoting', { rules: [rule('h.org', "/a' }\n  evil", 'Exact')] }, 'InvalidPath'],
    ['a secret that is not there', { tls: [{ secretName: 'no', hosts: ['h.org'] }] }, 'SecretNotFound'],
    ['a certificate that the proxy refuses', { tls: [{ secretName: 'weak', hosts: ['h.org'] }] }, 'InvalidCertificate'],
    ['a key that is none', { tls: [{ secretName: 'bad', hosts: ['h.org'] }] }, 'InvalidCertificate'],
  ] as [string, IngressSpec, string][])('%s', (_, spec, reason) => {
    expect(complaints(ingress(spec, 'bad', '2026-02-01T00:00:00Z'), good)).toEqual([`bad: ${reason}`])
    expect(config(ingress(spec, 'bad'), good)).toContain("use_backend a_web_80 if { var(txn.host) -m str 'good.org' }")
  })
})

it('chooses certificates by name', () => {
  const files = computeConfig(routing(ingress({ tls: [{ secretName: 'good' }] })), '/f', 'pem')
  expect(files.get('certificates.list')).toBe('/f/default.pem\n/f/a_good.pem tls.example.org\n')
  expect(files.get('a_good.pem')).toContain('PRIVATE KEY')
})

it('takes no name for a certificate that would mean something else in the list', () => {
  const files = computeConfig(routing(ingress({ tls: [{ secretName: 'strange' }] })), '/f', 'pem')
  expect(files.get('certificates.list')).toBe('/f/default.pem\n/f/a_strange.pem odd.example.org\n')
})

it('gives the proxy no line that it would refuse together with everything else, however many names one ingress has', () => {
  const hosts = Array.from({ length: 5000 }, (_, index) => `${'a'.repeat(60)}.${index}.example.org`)
  const list = computeConfig(routing(ingress({ tls: [{ secretName: 'good', hosts }] })), '/f', 'pem').get('certificates.list')!
  const lines = list.trimEnd().split('\n')
  expect(lines.flatMap((line) => line.split(' ').slice(1))).toEqual(hosts)
  for (const line of lines) {
    expect(line.split(' ').length).toBeLessThan(2000)
    expect(line.length).toBeLessThan(60_000)
  }
})

it('asks a backend a second time only for what a second time does no harm', () => {
  expect(config()).toContain('http-request disable-l7-retry unless { method GET HEAD OPTIONS TRACE }')
})
