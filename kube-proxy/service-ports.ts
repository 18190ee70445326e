/** What the proxy needs of a service and its slices: one `ServicePort` for each port, with the endpoints behind it. Pure. */
import type { Endpoint, EndpointSlice, Service } from '../api/generated/types.ts'

export type Family = 'IPv4' | 'IPv6'
export type Protocol = 'tcp' | 'udp' | 'sctp'

export interface NodeView {
  name: string
  zone: string | undefined
  /** Ranges that pods have addresses of: traffic from elsewhere is masqueraded on its way to a service. */
  clusterCidrs: readonly string[]
  masqueradeAll: boolean
}

export interface EndpointView {
  ip: string
  port: number
  isLocal: boolean
  ready: boolean
  serving: boolean
  terminating: boolean
  zoneHints: readonly string[]
  nodeHints: readonly string[]
}

export interface ServicePort {
  /** `namespace/name:port`, or `namespace/name` for a port without a name: what comments and hashes are made of. */
  id: string
  protocol: Protocol
  clusterIP: string
  port: number
  nodePort: number | undefined
  externalIPs: readonly string[]
  loadBalancerIPs: readonly string[]
  loadBalancerSourceRanges: readonly string[]
  healthCheckNodePort: number | undefined
  internalLocal: boolean
  externalLocal: boolean
  /** Seconds that a client stays with its endpoint; undefined for no affinity. */
  stickySeconds: number | undefined
  endpoints: readonly EndpointView[]
}

export const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4')

/** `10.0.0.1:80`, `[fd00::1]:80` */
export const addressOf = ({ ip, port }: Pick<EndpointView, 'ip' | 'port'>): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`

const proxyNameLabel = 'service.kubernetes.io/service-proxy-name'

/** Headless services and names for elsewhere need no proxy, and some have one of their own. */
export const isProxied = ({ metadata, spec }: Service): boolean =>
  spec?.type !== 'ExternalName' && Boolean(spec?.clusterIP) && spec?.clusterIP !== 'None' && !metadata.labels?.[proxyNameLabel]

export function servicePortsOf(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeView,
  family: Family,
): ServicePort[] {
  const { spec, metadata, status } = service
  const clusterIP = (spec?.clusterIPs?.length ? spec.clusterIPs : [spec?.clusterIP ?? '']).find(
    (ip) => ip && familyOf(ip) === family,
  )
  if (!isProxied(service) || !clusterIP) return []
  const ofFamily = slices.filter(({ addressType }) => addressType === family)
  const inFamily = (address: string | undefined): address is string => Boolean(address) && familyOf(address!) === family
  // An address that its balancer proxies itself must be reached through the balancer.
  const ingress = (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== 'Proxy').map(({ ip }) => ip)
  const hasExternal = spec?.type === 'NodePort' || spec?.type === 'LoadBalancer'
  return (spec?.ports ?? []).map((port) => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as Protocol
    return {
      id: `${metadata.namespace}/${metadata.name}${port.name ? `:${port.name}` : ''}`,
      protocol,
      clusterIP,
      port: port.port,
      nodePort: hasExternal ? port.nodePort || undefined : undefined,
      externalIPs: (spec?.externalIPs ?? []).filter(inFamily),
      loadBalancerIPs: spec?.type === 'LoadBalancer' ? ingress.filter(inFamily) : [],
      loadBalancerSourceRanges: (spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter(inFamily),
      healthCheckNodePort: spec?.healthCheckNodePort || undefined,
      internalLocal: spec?.internalTrafficPolicy === 'Local',
      externalLocal: spec?.externalTrafficPolicy === 'Local',
      stickySeconds:
        spec?.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : undefined,
      endpoints: endpointsOf(ofFamily, port.name ?? '', protocol, node),
    }
  })
}

/** In a stable order, each address once: slices may overlap for a moment while endpoints move between them. */
function endpointsOf(slices: readonly EndpointSlice[], portName: string, protocol: Protocol, node: NodeView): EndpointView[] {
  const found = new Map<string, EndpointView>()
  for (const slice of slices) {
    const port = slice.ports?.find(
      (each) => (each.name ?? '') === portName && (each.protocol ?? 'TCP').toLowerCase() === protocol,
    )?.port
    if (port === undefined) continue
    for (const endpoint of slice.endpoints ?? []) {
      const view = toView(endpoint, port, node)
      if (!view) continue
      const key = `${view.ip}:${view.port}`
      const known = found.get(key)
      if (!known || (view.ready && !known.ready)) found.set(key, view)
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => view)
}

/** Where the endpoint is. Controllers that write discovery v1beta1 say so by a label alone. */
export const nodeOf = ({ nodeName, deprecatedTopology }: Endpoint): string | undefined =>
  nodeName ?? deprecatedTopology?.['kubernetes.io/hostname']

function toView(endpoint: Endpoint, port: number, node: NodeView): EndpointView | undefined {
  const { addresses, conditions, hints } = endpoint
  // All addresses of an endpoint are the same pod; upstream uses the first as well.
  const [ip] = addresses
  if (!ip) return undefined
  const ready = conditions?.ready ?? true
  return {
    ip,
    port,
    isLocal: nodeOf(endpoint) === node.name,
    ready,
    serving: conditions?.serving ?? ready,
    terminating: conditions?.terminating ?? false,
    zoneHints: (hints?.forZones ?? []).map(({ name }) => name),
    nodeHints: (hints?.forNodes ?? []).map(({ name }) => name),
  }
}
