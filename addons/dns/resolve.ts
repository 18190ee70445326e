/**
 * The Kubernetes DNS specification 1.1 as one pure function: a question and the cluster in, records out.
 *
 * `found` without records means that the name exists with other types (NODATA); `missing` that it does not (NXDOMAIN);
 * `elsewhere` that it is not the cluster's to answer.
 */
import { isIPv4 } from 'node:net'
import type { Service } from '../../api/generated/types.ts'
import { type ClusterView, clusterAddresses, endpointsOf, isHeadless, serviceOfSlice } from './zone.ts'

export type RecordType = 'A' | 'AAAA' | 'SRV' | 'PTR' | 'TXT' | 'CNAME' | 'SOA' | 'NS' | 'ANY' | (string & {})

export type DnsRecord =
  | { name: string; type: 'A' | 'AAAA' | 'PTR' | 'CNAME'; data: string }
  | { name: string; type: 'TXT'; data: string }
  | { name: string; type: 'SRV'; data: { priority: number; weight: number; port: number; target: string } }

export type Resolution =
  | { kind: 'found'; answers: DnsRecord[]; additionals?: DnsRecord[] }
  | { kind: 'missing' }
  | { kind: 'elsewhere' }

const MISSING: Resolution = { kind: 'missing' }
const EMPTY: Resolution = { kind: 'found', answers: [] }

export function resolve(question: { name: string; type: RecordType }, cluster: ClusterView, domain: string): Resolution {
  const name = question.name.toLowerCase().replace(/\.$/, '')
  if (name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa')) return resolveReverse(name, question.type, cluster, domain)
  if (name === domain) return EMPTY
  if (!name.endsWith(`.${domain}`)) return { kind: 'elsewhere' }
  const labels = name.slice(0, -domain.length - 1).split('.')
  const root = labels.at(-1)
  if (labels.length === 1 && root === 'dns-version') return only(question.type, { name, type: 'TXT', data: '1.1.0' })
  if (root === 'svc') return resolveService(labels.slice(0, -1), { name, type: question.type }, cluster, domain)
  if (root === 'pod') return resolvePod(labels.slice(0, -1), { name, type: question.type }, cluster)
  return MISSING
}

/** Records of the asked type; a name that has others only answers with none. */
const only = (type: RecordType, ...records: DnsRecord[]): Resolution => ({
  kind: 'found',
  answers: records.filter((record) => type === 'ANY' || record.type === type || record.type === 'CNAME'),
})

const addressRecord = (name: string, address: string): DnsRecord => ({
  name,
  type: isIPv4(address) ? 'A' : 'AAAA',
  data: address,
})

function resolveService(
  labels: readonly string[],
  question: { name: string; type: RecordType },
  cluster: ClusterView,
  domain: string,
): Resolution {
  const namespace = labels.at(-1)
  if (namespace === undefined) return EMPTY
  if (labels.length === 1) return cluster.namespace(namespace) ? EMPTY : MISSING
  const service = cluster.service(namespace, labels.at(-2)!)
  if (!service) return MISSING
  const full = `${service.metadata.name}.${namespace}.svc.${domain}`
  const rest = labels.slice(0, -2)
  if (service.spec.type === 'ExternalName') {
    return rest.length === 0
      ? only(question.type, { name: question.name, type: 'CNAME', data: service.spec.externalName ?? '' })
      : MISSING
  }
  if (rest.length === 0)
    return only(question.type, ...addressesOf(service, cluster).map((address) => addressRecord(question.name, address)))
  if (rest.length === 2 && rest[0]!.startsWith('_') && rest[1]!.startsWith('_')) {
    return resolvePort(service, full, rest[0]!.slice(1), rest[1]!.slice(1), question, cluster)
  }
  if (rest.length !== 1 || !isHeadless(service)) return MISSING
  const matching = endpointsOf(cluster.slices(namespace, service.metadata.name)).filter(({ hostname }) => hostname === rest[0])
  return matching.length === 0
    ? MISSING
    : only(question.type, ...matching.map(({ address }) => addressRecord(question.name, address)))
}

function addressesOf(service: Service, cluster: ClusterView): string[] {
  if (!isHeadless(service)) return clusterAddresses(service.spec)
  const { namespace, name } = service.metadata
  return [...new Set(endpointsOf(cluster.slices(namespace!, name)).map(({ address }) => address))]
}

/** `_port._protocol.service…`: one target for a cluster address, one an endpoint for a headless service. */
function resolvePort(
  service: Service,
  full: string,
  port: string,
  protocol: string,
  question: { name: string; type: RecordType },
  cluster: ClusterView,
): Resolution {
  const record = (number: number, target: string): DnsRecord => ({
    name: question.name,
    type: 'SRV',
    data: { priority: 0, weight: 100, port: number, target },
  })
  if (!isHeadless(service)) {
    const found = (service.spec.ports ?? []).find(
      (each) => each.name === port && (each.protocol ?? 'TCP').toLowerCase() === protocol,
    )
    if (!found) return MISSING
    const answer = only(question.type, record(found.port, full))
    return { ...answer, additionals: clusterAddresses(service.spec).map((address) => addressRecord(full, address)) } as Resolution
  }
  const endpoints = endpointsOf(cluster.slices(service.metadata.namespace!, service.metadata.name)).flatMap((endpoint) =>
    endpoint.ports
      .filter((each) => each.name === port && each.protocol === protocol)
      .map((each) => ({ target: `${endpoint.hostname}.${full}`, port: each.port, address: endpoint.address })),
  )
  if (endpoints.length === 0) return MISSING
  return {
    ...only(question.type, ...endpoints.map((each) => record(each.port, each.target))),
    additionals: endpoints.map((each) => addressRecord(each.target, each.address)),
  } as Resolution
}

/** `10-244-1-5.namespace.pod…`: the address is in the name; the namespace must exist. */
function resolvePod(
  labels: readonly string[],
  { name, type }: { name: string; type: RecordType },
  cluster: ClusterView,
): Resolution {
  const namespace = labels.at(-1)
  if (namespace === undefined) return EMPTY
  if (!cluster.namespace(namespace)) return MISSING
  if (labels.length === 1) return EMPTY
  const address = labels[0]!.replaceAll('-', '.')
  return labels.length === 2 && isIPv4(address) ? only(type, addressRecord(name, address)) : MISSING
}

function resolveReverse(name: string, type: RecordType, cluster: ClusterView, domain: string): Resolution {
  const address = addressOfReverse(name)
  if (!address) return { kind: 'elsewhere' }
  const service = cluster.serviceByAddress(address)
  if (service) {
    return only(type, { name, type: 'PTR', data: `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}` })
  }
  const records = cluster.slicesByAddress(address).flatMap((slice): DnsRecord[] => {
    const owner = serviceOfSlice(slice)
    const parent = owner === undefined ? undefined : cluster.service(slice.metadata.namespace!, owner)
    if (!parent || !isHeadless(parent)) return []
    return endpointsOf([slice])
      .filter((endpoint) => endpoint.address === address)
      .map(({ hostname }) => ({ name, type: 'PTR', data: `${hostname}.${owner}.${slice.metadata.namespace}.svc.${domain}` }))
  })
  return records.length === 0 ? { kind: 'elsewhere' } : only(type, ...records)
}

function addressOfReverse(name: string): string | undefined {
  const ipv4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name)
  if (ipv4) return ipv4.slice(1).toReversed().join('.')
  const nibbles = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1]
  if (!nibbles) return undefined
  const digits = nibbles.replaceAll('.', '').split('').toReversed().join('')
  // The shortest form is what objects hold.
  return new URL(`http://[${digits.match(/.{4}/g)!.join(':')}]`).hostname.slice(1, -1)
}
