/** The rules for a service port, as iptables writes them: its own chains, and its lines in the chains that all share. Pure. */
import { addressOf, chainNames, endpointChain, type ChainNames } from './chain-names.ts'
import { selectEndpoints } from './select-endpoints.ts'
import { familyOf, type EndpointView, type NodeView, type ServicePort } from './service-ports.ts'

/** Chains that every service adds lines to. */
export type SharedChain =
  | 'nat/KUBE-SERVICES'
  | 'nat/KUBE-NODEPORTS'
  | 'filter/KUBE-SERVICES'
  | 'filter/KUBE-EXTERNAL-SERVICES'
  | 'filter/KUBE-NODEPORTS'
  | 'filter/KUBE-PROXY-FIREWALL'

export interface ServiceRules {
  /** Chains of the nat table that are the service's alone. */
  chains: Map<string, string[]>
  shared: Partial<Record<SharedChain, string[]>>
}

export function computeRules(servicePorts: readonly ServicePort[], node: NodeView): ServiceRules {
  const rules: ServiceRules = { chains: new Map(), shared: {} }
  for (const servicePort of servicePorts) addServicePort(servicePort, node, rules)
  return rules
}

const comment = (text: string): string => `-m comment --comment "${text}"`

interface Context {
  port: ServicePort
  node: NodeView
  names: ChainNames
  rules: ServiceRules
}

const share = ({ shared }: ServiceRules, chain: SharedChain, line: string): void => void (shared[chain] ??= []).push(line)

/** `-m tcp -p tcp -d 10.96.0.1/32 --dport 443` */
const to = ({ protocol, port }: ServicePort, ip: string): string =>
  `-m ${protocol} -p ${protocol} -d ${ip}/${familyOf(ip) === 'IPv6' ? 128 : 32} --dport ${port}`

function addServicePort(port: ServicePort, node: NodeView, rules: ServiceRules): void {
  const names = chainNames(port.id, port.protocol)
  const context: Context = { port, node, names, rules }
  const { cluster, local, any } = selectEndpoints(port, node)
  const internal = port.internalLocal ? local : cluster
  const external = port.externalLocal ? local : cluster
  const hasExternal = port.nodePort !== undefined || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0

  addClusterIP(context, internal, any)
  if (hasExternal) addExternal(context, external, any)

  // Pods and the node itself reach an external address through all endpoints, whatever the policy says about others.
  const usesCluster = any && (!port.internalLocal || hasExternal)
  const usesLocal = (port.internalLocal && internal.length > 0) || (hasExternal && port.externalLocal && external.length > 0)
  if (usesCluster) addBalancing(context, names.cluster, cluster, !port.internalLocal)
  if (usesLocal) addBalancing(context, names.local, local, port.internalLocal)
  const used = new Map(
    [...(usesCluster ? cluster : []), ...(usesLocal ? local : [])].map((endpoint) => [addressOf(endpoint), endpoint]),
  )
  for (const endpoint of used.values()) addEndpoint(context, endpoint)
}

function addClusterIP({ port, names, rules }: Context, internal: readonly EndpointView[], any: boolean): void {
  if (internal.length > 0) {
    const target = port.internalLocal ? names.local : names.cluster
    share(rules, 'nat/KUBE-SERVICES', `${comment(`${port.id} cluster IP`)} ${to(port, port.clusterIP)} -j ${target}`)
  } else {
    share(rules, 'filter/KUBE-SERVICES', `${refusal(port, any)[0]} ${to(port, port.clusterIP)} ${refusal(port, any)[1]}`)
  }
}

/** Without any endpoint the client is told at once; with some on other nodes only, the packet is not ours to answer. */
const refusal = ({ id }: ServicePort, any: boolean): [match: string, target: string] =>
  any ? [comment(`${id} has no local endpoints`), '-j DROP'] : [comment(`${id} has no endpoints`), '-j REJECT']

function addExternal(context: Context, external: readonly EndpointView[], any: boolean): void {
  const { port, names, rules } = context
  const target = any ? `-j ${names.external}` : ''
  for (const ip of port.externalIPs) {
    if (any) share(rules, 'nat/KUBE-SERVICES', `${comment(`${port.id} external IP`)} ${to(port, ip)} ${target}`)
  }
  const restricted = port.loadBalancerSourceRanges.length > 0 && port.loadBalancerIPs.length > 0
  for (const ip of port.loadBalancerIPs) {
    if (any)
      share(
        rules,
        'nat/KUBE-SERVICES',
        `${comment(`${port.id} loadbalancer IP`)} ${to(port, ip)} ${restricted ? `-j ${names.firewall}` : target}`,
      )
    if (restricted)
      share(
        rules,
        'filter/KUBE-PROXY-FIREWALL',
        `${comment(`${port.id} traffic not accepted by ${names.firewall}`)} ${to(port, ip)} -j DROP`,
      )
  }
  if (any && port.nodePort !== undefined) {
    share(
      rules,
      'nat/KUBE-NODEPORTS',
      `${comment(port.id)} -m ${port.protocol} -p ${port.protocol} --dport ${port.nodePort} ${target}`,
    )
  }
  if (external.length === 0) refuseExternal(context, any)
  if (port.healthCheckNodePort !== undefined && port.externalLocal) {
    share(
      rules,
      'filter/KUBE-NODEPORTS',
      `${comment(`${port.id} health check node port`)} -m tcp -p tcp --dport ${port.healthCheckNodePort} -j ACCEPT`,
    )
  }
  if (!any) return
  rules.chains.set(names.external, externalChain(context, external))
  if (restricted) rules.chains.set(names.firewall, firewallChain(context))
}

function refuseExternal({ port, rules }: Context, any: boolean): void {
  const [match, target] = refusal(port, any)
  for (const ip of [...port.externalIPs, ...port.loadBalancerIPs]) {
    share(rules, 'filter/KUBE-EXTERNAL-SERVICES', `${match} ${to(port, ip)} ${target}`)
  }
  if (port.nodePort === undefined) return
  const match2 = `-m addrtype --dst-type LOCAL -m ${port.protocol} -p ${port.protocol} --dport ${port.nodePort}`
  share(rules, 'filter/KUBE-EXTERNAL-SERVICES', `${match} ${match2} ${target}`)
}

/** Policy Cluster hides the client's address, since the answer must come back here; policy Local keeps it. */
function externalChain({ port, node, names }: Context, external: readonly EndpointView[]): string[] {
  const what = `${port.id} external destinations`
  if (!port.externalLocal) return [`${comment(`masquerade traffic for ${what}`)} -j KUBE-MARK-MASQ`, `-j ${names.cluster}`]
  return [
    ...node.clusterCidrs.map((cidr) => `${comment(`pod traffic for ${what}`)} -s ${cidr} -j ${names.cluster}`),
    `${comment(`masquerade LOCAL traffic for ${what}`)} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
    `${comment(`route LOCAL traffic for ${what}`)} -m addrtype --src-type LOCAL -j ${names.cluster}`,
    ...(external.length > 0 ? [`-j ${names.local}`] : []),
  ]
}

/** What is not let through here is not translated, and meets the DROP of KUBE-PROXY-FIREWALL. */
const firewallChain = ({ port, names }: Context): string[] =>
  port.loadBalancerSourceRanges.map((range) => `${comment(`${port.id} loadbalancer IP`)} -s ${range} -j ${names.external}`)

function addBalancing(
  { port, node, rules }: Context,
  chain: string,
  endpoints: readonly EndpointView[],
  forClusterIP: boolean,
): void {
  const lines: string[] = []
  if (forClusterIP) {
    const match = `${comment(`${port.id} cluster IP`)} ${to(port, port.clusterIP)}`
    if (node.masqueradeAll) lines.push(`${match} -j KUBE-MARK-MASQ`)
    // One rule can exclude one range only.
    else if (node.clusterCidrs.length === 1) lines.push(`${match} ! -s ${node.clusterCidrs[0]} -j KUBE-MARK-MASQ`)
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
  rules.chains.set(chain, lines)
}

function addEndpoint({ port, rules }: Context, endpoint: EndpointView): void {
  const chain = endpointChain(port.id, port.protocol, endpoint)
  const remember = port.stickySeconds === undefined ? '' : `-m recent --name ${chain} --set `
  rules.chains.set(chain, [
    // Hairpin: a pod that reaches itself through its service must not see its own address as the client's.
    `${comment(port.id)} -s ${endpoint.ip} -j KUBE-MARK-MASQ`,
    `${comment(port.id)} ${remember}-m ${port.protocol} -p ${port.protocol} -j DNAT --to-destination ${addressOf(endpoint)}`,
  ])
}
