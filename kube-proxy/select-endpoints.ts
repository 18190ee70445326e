/** Which endpoints traffic may go to, by where it comes from and what the service asks for. Pure. */
import type { EndpointView, NodeView, ServicePort } from './service-ports.ts'

export interface Selection {
  /** For policy Cluster. */
  cluster: EndpointView[]
  /** For policy Local. */
  local: EndpointView[]
  /** Some endpoint exists that could serve, here or elsewhere. */
  any: boolean
}

export function selectEndpoints({ endpoints, internalLocal, externalLocal }: ServicePort, node: NodeView): Selection {
  const usable = usableOf(endpoints)
  // Even a service with policy Local all over needs these: pods reach its external addresses through all endpoints.
  const cluster = closeTo(node, usable)
  const local = internalLocal || externalLocal ? usableOf(endpoints.filter(({ isLocal }) => isLocal)) : []
  return { cluster, local, any: usable.length > 0 || local.length > 0 }
}

/** Ready ones; when there are none, those that still serve while they end: better than nothing. */
function usableOf(endpoints: readonly EndpointView[]): EndpointView[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready)
  return ready.length > 0 ? ready : endpoints.filter(({ serving, terminating }) => serving && terminating)
}

/** Hints count only when every endpoint has one: while they are being written, all take part. */
function closeTo({ name, zone }: NodeView, endpoints: readonly EndpointView[]): EndpointView[] {
  const all = [...endpoints]
  if (all.length > 0 && all.every(({ nodeHints }) => nodeHints.length > 0)) {
    const here = all.filter(({ nodeHints }) => nodeHints.includes(name))
    if (here.length > 0) return here
  }
  if (zone === undefined || all.some(({ zoneHints }) => zoneHints.length === 0)) return all
  const near = all.filter(({ zoneHints }) => zoneHints.includes(zone))
  return near.length > 0 ? near : all
}
