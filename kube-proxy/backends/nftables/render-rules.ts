/**
 * A service's rules as nftables keeps them: elements of the maps that all share lead to chains of its own. Pure.
 *
 * A chain balances by one map from a random number to endpoints, so that a service of any size is one rule. Only a service with
 * session affinity has a chain and a set of clients for each endpoint.
 */
import { createHash } from 'node:crypto'
import type { ExternalRules, Pool, PortRules, Refusal } from '../../compute-rules.ts'
import { addressOf, familyOf, type EndpointView } from '../../service-ports.ts'
import { wordOf } from './base-table.ts'
import { addChain, addElement, addSet, type Things } from './things.ts'

export function renderRules(ports: readonly PortRules[]): Things {
  const things: Things = new Map()
  for (const port of ports) addPort(port, things)
  return things
}

/** `service-0123456789-default/web/tcp/http`; the hash tells apart what the kernel's limit cuts off. */
function chainName(kind: string, { id, protocol }: PortRules, more = ''): string {
  const [service = '', name = ''] = id.split(':')
  const hash = createHash('sha256').update([id, protocol, more].join(' ')).digest('hex').slice(0, 10)
  return `${kind}-${hash}-${service}/${protocol}/${name}${more && `__${more.replaceAll(/[^0-9a-f.]/g, '/')}`}`.slice(0, 120)
}

const poolChain = (port: PortRules, pool: Pool) => chainName(pool === 'cluster' ? 'service' : 'local', port)
const endpointChain = (port: PortRules, endpoint: EndpointView) => chainName('endpoint', port, addressOf(endpoint))
/** Another timeout is another set: the kernel does not change that of one that is there. */
const clientSet = (port: PortRules, endpoint: EndpointView) =>
  chainName('clients', port, `${addressOf(endpoint)}/${port.stickySeconds}`)

const toAddress = ({ protocol, port }: PortRules, address: string) => `${address} . ${protocol} . ${port}`
const refusalVerdict = (refusal: Refusal) => (refusal === 'drop' ? 'drop' : 'goto rejecting')

function addPort(port: PortRules, things: Things): void {
  addElement(things, 'cluster-ips', port.clusterIP)
  if (port.internal === 'reject' || port.internal === 'drop') {
    addElement(things, 'no-endpoint-services', toAddress(port, port.clusterIP), refusalVerdict(port.internal))
  } else addElement(things, 'service-ips', toAddress(port, port.clusterIP), `goto ${poolChain(port, port.internal)}`)
  if (port.external) addExternal(port, port.external, things)
  for (const [pool, endpoints] of port.pools) addBalancing(port, pool, endpoints, things)
}

function addExternal(port: PortRules, external: ExternalRules, things: Things): void {
  const { externalIPs, loadBalancerIPs, nodePort, sourceRanges, way, refusal } = external
  const addresses = [...externalIPs, ...loadBalancerIPs]
  const ip = wordOf(familyOf(port.clusterIP))
  if (way) {
    const chain = chainName('external', port)
    addChain(things, chain, externalRules(port, way, ip))
    for (const address of addresses) addElement(things, 'service-ips', toAddress(port, address), `goto ${chain}`)
    if (nodePort !== undefined) addElement(things, 'service-nodeports', `${port.protocol} . ${nodePort}`, `goto ${chain}`)
  }
  if (sourceRanges) {
    const chain = chainName('firewall', port)
    addChain(things, chain, [`${ip} saddr != { ${sourceRanges.join(', ')} } drop`])
    for (const address of loadBalancerIPs) addElement(things, 'firewall-ips', toAddress(port, address), `goto ${chain}`)
  }
  if (!refusal) return
  const verdict = refusalVerdict(refusal)
  for (const address of addresses) addElement(things, 'no-endpoint-services', toAddress(port, address), verdict)
  if (nodePort !== undefined) addElement(things, 'no-endpoint-nodeports', `${port.protocol} . ${nodePort}`, verdict)
}

function externalRules(port: PortRules, way: NonNullable<ExternalRules['way']>, ip: string): string[] {
  const all = poolChain(port, 'cluster')
  if (way.clients === 'hide') return ['jump mark-for-masquerade', `goto ${all}`]
  return [
    ...way.podRanges.map((range) => `${ip} saddr ${range} goto ${all}`),
    'fib saddr type local jump mark-for-masquerade',
    `fib saddr type local goto ${all}`,
    ...(port.pools.has('local') ? [`goto ${poolChain(port, 'local')}`] : []),
  ]
}

function addBalancing(port: PortRules, pool: Pool, endpoints: readonly EndpointView[], things: Things): void {
  const ip = wordOf(familyOf(port.clusterIP))
  const rules: string[] = []
  if (port.masquerade?.pool === pool) {
    const { clients } = port.masquerade
    const others = clients === 'all' ? '' : `${ip} saddr != ${clients.notFrom} `
    rules.push(`${ip} daddr ${port.clusterIP} ${port.protocol} dport ${port.port} ${others}jump mark-for-masquerade`)
  }
  for (const endpoint of endpoints) addElement(things, 'hairpin-connections', `${endpoint.ip} . ${endpoint.ip}`)
  if (port.stickySeconds !== undefined) rules.push(...stickyRules(port, endpoints, ip, things))
  else if (endpoints.length > 0) rules.push(`meta l4proto ${port.protocol} dnat ${ip} ${destinationOf(endpoints)}`)
  addChain(things, poolChain(port, pool), rules)
}

function destinationOf(endpoints: readonly EndpointView[]): string {
  if (endpoints.length === 1) return `to ${addressOf(endpoints[0]!)}`
  const choices = endpoints.map((endpoint, index) => `${index} : ${endpoint.ip} . ${endpoint.port}`)
  return `addr . port to numgen random mod ${endpoints.length} map { ${choices.join(', ')} }`
}

/** Who is in an endpoint's set of clients goes to it again; others are given one, and remembered. */
function stickyRules(port: PortRules, endpoints: readonly EndpointView[], ip: string, things: Things): string[] {
  for (const endpoint of endpoints) {
    const clients = clientSet(port, endpoint)
    const type = ip === 'ip6' ? 'ipv6_addr' : 'ipv4_addr'
    addSet(things, clients, `type ${type} ; flags dynamic,timeout ; timeout ${port.stickySeconds}s ;`)
    addChain(things, endpointChain(port, endpoint), [
      `update @${clients} { ${ip} saddr }`,
      `meta l4proto ${port.protocol} dnat ${ip} to ${addressOf(endpoint)}`,
    ])
  }
  if (endpoints.length === 0) return []
  const choices = endpoints.map((endpoint, index) => `${index} : goto ${endpointChain(port, endpoint)}`)
  return [
    ...endpoints.map((endpoint) => `${ip} saddr @${clientSet(port, endpoint)} goto ${endpointChain(port, endpoint)}`),
    `numgen random mod ${endpoints.length} vmap { ${choices.join(', ')} }`,
  ]
}
