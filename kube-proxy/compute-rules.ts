/** What is to happen to the traffic of each port of a service on this node, in no kernel's language yet. Pure. */
import { selectEndpoints, type Selection } from './select-endpoints.ts'
import type { EndpointView, NodeView, Protocol, ServicePort } from './service-ports.ts'

/** The endpoints that a policy balances over: all that are near enough, or this node's. */
export type Pool = 'cluster' | 'local'

/** Without any endpoint a client is told at once; with some on other nodes only, the packet is not ours to answer. */
export type Refusal = 'reject' | 'drop'

export interface PortRules {
  /** `namespace/name:port`, or `namespace/name`. */
  id: string
  protocol: Protocol
  port: number
  clusterIP: string
  /** Where the cluster address leads. */
  internal: Pool | Refusal
  /** The pool behind the cluster address hides clients: all, those from outside this range, or none. */
  masquerade: { pool: Pool; clients: 'all' | { notFrom: string } } | undefined
  external: ExternalRules | undefined
  /** Those that traffic can get to, with the endpoints to choose from. */
  pools: ReadonlyMap<Pool, readonly EndpointView[]>
  /** Seconds that a client stays with its endpoint. */
  stickySeconds: number | undefined
}

export interface ExternalRules {
  externalIPs: readonly string[]
  loadBalancerIPs: readonly string[]
  nodePort: number | undefined
  /** Who may use the load balancer addresses; undefined for everyone. */
  sourceRanges: readonly string[] | undefined
  /**
   * Null: there is no endpoint anywhere. `hide`: over all endpoints, and the answer comes back through here. `keep`: over those
   * of this node, for clients that must be seen; pods (of these ranges) and the node itself reach all endpoints even so.
   */
  way: { clients: 'hide' } | { clients: 'keep'; podRanges: readonly string[] } | null
  /** What becomes of traffic from outside that no endpoint takes. */
  refusal: Refusal | undefined
  healthCheckNodePort: number | undefined
}

export const computeRules = (ports: readonly ServicePort[], node: NodeView): PortRules[] =>
  ports.map((port) => rulesOf(port, node))

function rulesOf(port: ServicePort, node: NodeView): PortRules {
  const selection = selectEndpoints(port, node)
  const { cluster, local, any } = selection
  const inside: Pool = port.internalLocal ? 'local' : 'cluster'
  const hasInside = (port.internalLocal ? local : cluster).length > 0
  const hasExternal = port.nodePort !== undefined || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0
  const pools = new Map<Pool, readonly EndpointView[]>()
  // Pods and the node itself reach an external address through all endpoints, whatever the policy says about others.
  if (any && (!port.internalLocal || hasExternal)) pools.set('cluster', cluster)
  if (local.length > 0 && (port.internalLocal || (hasExternal && port.externalLocal))) pools.set('local', local)
  const clients = masqueradedClients(node)
  return {
    id: port.id,
    protocol: port.protocol,
    port: port.port,
    clusterIP: port.clusterIP,
    internal: hasInside ? inside : refusalOf(any),
    masquerade: clients && { pool: inside, clients },
    external: hasExternal ? externalRules(port, node, selection) : undefined,
    pools,
    stickySeconds: port.stickySeconds,
  }
}

const refusalOf = (any: boolean): Refusal => (any ? 'drop' : 'reject')

function masqueradedClients({ masqueradeAll, clusterCidrs }: NodeView): 'all' | { notFrom: string } | undefined {
  if (masqueradeAll) return 'all'
  // One rule can exclude one range only.
  return clusterCidrs.length === 1 ? { notFrom: clusterCidrs[0]! } : undefined
}

function externalRules(port: ServicePort, node: NodeView, { cluster, local, any }: Selection): ExternalRules {
  const restricted = port.loadBalancerSourceRanges.length > 0 && port.loadBalancerIPs.length > 0
  const served = port.externalLocal ? local : cluster
  return {
    externalIPs: port.externalIPs,
    loadBalancerIPs: port.loadBalancerIPs,
    nodePort: port.nodePort,
    sourceRanges: restricted ? port.loadBalancerSourceRanges : undefined,
    way: !any ? null : port.externalLocal ? { clients: 'keep', podRanges: node.clusterCidrs } : { clients: 'hide' },
    refusal: served.length > 0 ? undefined : refusalOf(any),
    healthCheckNodePort: port.externalLocal ? port.healthCheckNodePort : undefined,
  }
}
