/** A service's rules as iptables writes them: its own chains, laid out as upstream's, and its lines in the chains that all share. Pure. */
import type { ExternalRules, Pool, PortRules, Refusal } from '../../compute-rules.ts'
import { addressOf, familyOf, type EndpointView } from '../../service-ports.ts'
import { chainNames, endpointChain, type ChainNames } from './chain-names.ts'

/** Chains that every service adds lines to. */
export type SharedChain =
  | 'nat/KUBE-SERVICES'
  | 'nat/KUBE-NODEPORTS'
  | 'filter/KUBE-SERVICES'
  | 'filter/KUBE-EXTERNAL-SERVICES'
  | 'filter/KUBE-NODEPORTS'
  | 'filter/KUBE-PROXY-FIREWALL'

export interface ServiceChains {
  /** Chains of the nat table that are the service's alone. */
  chains: Map<string, string[]>
  shared: Partial<Record<SharedChain, string[]>>
}

export function renderRules(ports: readonly PortRules[]): ServiceChains {
  const rendered: ServiceChains = { chains: new Map(), shared: {} }
  for (const port of ports) addPort({ port, names: chainNames(port.id, port.protocol), rendered })
  return rendered
}

interface Context {
  port: PortRules
  names: ChainNames
  rendered: ServiceChains
}

const comment = (text: string): string => `-m comment --comment "${text}"`

const share = ({ rendered: { shared } }: Context, chain: SharedChain, line: string): void =>
  void (shared[chain] ??= []).push(line)

/** `-m tcp -p tcp -d 10.96.0.1/32 --dport 443` */
const to = ({ protocol, port }: PortRules, ip: string): string =>
  `-m ${protocol} -p ${protocol} -d ${ip}/${familyOf(ip) === 'IPv6' ? 128 : 32} --dport ${port}`

function addPort(context: Context): void {
  const { port } = context
  addClusterIP(context)
  if (port.external) addExternal(context, port.external)
  for (const [pool, endpoints] of port.pools) addBalancing(context, pool, endpoints)
  for (const endpoint of new Map([...port.pools.values()].flat().map((each) => [addressOf(each), each])).values()) {
    addEndpoint(context, endpoint)
  }
}

function addClusterIP(context: Context): void {
  const { port, names } = context
  if (port.internal === 'reject' || port.internal === 'drop') {
    const [match, target] = refusing(port, port.internal)
    share(context, 'filter/KUBE-SERVICES', `${match} ${to(port, port.clusterIP)} ${target}`)
  } else {
    share(
      context,
      'nat/KUBE-SERVICES',
      `${comment(`${port.id} cluster IP`)} ${to(port, port.clusterIP)} -j ${names[port.internal]}`,
    )
  }
}

const refusing = ({ id }: PortRules, refusal: Refusal): [match: string, target: string] =>
  refusal === 'drop' ? [comment(`${id} has no local endpoints`), '-j DROP'] : [comment(`${id} has no endpoints`), '-j REJECT']

function addExternal(context: Context, external: ExternalRules): void {
  const { port, names, rendered } = context
  const { sourceRanges, nodePort, healthCheckNodePort } = external
  for (const ip of external.way ? external.externalIPs : []) {
    share(context, 'nat/KUBE-SERVICES', `${comment(`${port.id} external IP`)} ${to(port, ip)} -j ${names.external}`)
  }
  for (const ip of external.loadBalancerIPs) {
    const target = sourceRanges ? names.firewall : names.external
    if (external.way) share(context, 'nat/KUBE-SERVICES', `${comment(`${port.id} loadbalancer IP`)} ${to(port, ip)} -j ${target}`)
    if (sourceRanges)
      share(
        context,
        'filter/KUBE-PROXY-FIREWALL',
        `${comment(`${port.id} traffic not accepted by ${names.firewall}`)} ${to(port, ip)} -j DROP`,
      )
  }
  if (external.way && nodePort !== undefined) {
    const match = `-m ${port.protocol} -p ${port.protocol} --dport ${nodePort}`
    share(context, 'nat/KUBE-NODEPORTS', `${comment(port.id)} ${match} -j ${names.external}`)
  }
  if (external.refusal) refuseExternal(context, external, external.refusal)
  if (healthCheckNodePort !== undefined) {
    share(
      context,
      'filter/KUBE-NODEPORTS',
      `${comment(`${port.id} health check node port`)} -m tcp -p tcp --dport ${healthCheckNodePort} -j ACCEPT`,
    )
  }
  if (!external.way) return
  rendered.chains.set(names.external, externalChain(context, external.way))
  if (sourceRanges) rendered.chains.set(names.firewall, firewallChain(context, sourceRanges))
}

function refuseExternal(context: Context, { externalIPs, loadBalancerIPs, nodePort }: ExternalRules, refusal: Refusal): void {
  const { port } = context
  const [match, target] = refusing(port, refusal)
  for (const ip of [...externalIPs, ...loadBalancerIPs]) {
    share(context, 'filter/KUBE-EXTERNAL-SERVICES', `${match} ${to(port, ip)} ${target}`)
  }
  if (nodePort === undefined) return
  const toNodePort = `-m addrtype --dst-type LOCAL -m ${port.protocol} -p ${port.protocol} --dport ${nodePort}`
  share(context, 'filter/KUBE-EXTERNAL-SERVICES', `${match} ${toNodePort} ${target}`)
}

function externalChain({ port, names }: Context, way: NonNullable<ExternalRules['way']>): string[] {
  const what = `${port.id} external destinations`
  if (way.clients === 'hide') {
    return [`${comment(`masquerade traffic for ${what}`)} -j KUBE-MARK-MASQ`, `-j ${names.cluster}`]
  }
  return [
    ...way.podRanges.map((range) => `${comment(`pod traffic for ${what}`)} -s ${range} -j ${names.cluster}`),
    `${comment(`masquerade LOCAL traffic for ${what}`)} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
    `${comment(`route LOCAL traffic for ${what}`)} -m addrtype --src-type LOCAL -j ${names.cluster}`,
    ...(port.pools.has('local') ? [`-j ${names.local}`] : []),
  ]
}

/** What is not let through here is not translated, and meets the DROP of KUBE-PROXY-FIREWALL. */
const firewallChain = ({ port, names }: Context, ranges: readonly string[]): string[] =>
  ranges.map((range) => `${comment(`${port.id} loadbalancer IP`)} -s ${range} -j ${names.external}`)

function addBalancing({ port, names, rendered }: Context, pool: Pool, endpoints: readonly EndpointView[]): void {
  const lines: string[] = []
  if (port.masquerade?.pool === pool) {
    const { clients } = port.masquerade
    const match = `${comment(`${port.id} cluster IP`)} ${to(port, port.clusterIP)}`
    lines.push(`${match} ${clients === 'all' ? '' : `! -s ${clients.notFrom} `}-j KUBE-MARK-MASQ`)
  }
  const chains = endpoints.map((endpoint) => endpointChain(port.id, port.protocol, endpoint))
  if (port.stickySeconds !== undefined) {
    endpoints.forEach((endpoint, index) => {
      const recent = `-m recent --name ${chains[index]} --rcheck --seconds ${port.stickySeconds} --reap`
      lines.push(`${comment(`${port.id} -> ${addressOf(endpoint)}`)} ${recent} -j ${chains[index]}`)
    })
  }
  endpoints.forEach((endpoint, index) => {
    const left = endpoints.length - index
    // Each rule takes its share of what the ones before left over; the last takes the rest.
    const chance = left > 1 ? `-m statistic --mode random --probability ${(1 / left).toFixed(10)} ` : ''
    lines.push(`${comment(`${port.id} -> ${addressOf(endpoint)}`)} ${chance}-j ${chains[index]}`)
  })
  rendered.chains.set(names[pool], lines)
}

function addEndpoint({ port, rendered }: Context, endpoint: EndpointView): void {
  const chain = endpointChain(port.id, port.protocol, endpoint)
  const remember = port.stickySeconds === undefined ? '' : `-m recent --name ${chain} --set `
  rendered.chains.set(chain, [
    // Hairpin: a pod that reaches itself through its service must not see its own address as the client's.
    `${comment(port.id)} -s ${endpoint.ip} -j KUBE-MARK-MASQ`,
    `${comment(port.id)} ${remember}-m ${port.protocol} -p ${port.protocol} -j DNAT --to-destination ${addressOf(endpoint)}`,
  ])
}
