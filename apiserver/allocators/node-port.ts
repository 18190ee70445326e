/** Node ports: of each port of the service that has one, and of the health check of local load balancers. */
import { invalid as invalidField } from '../../api/field-error.ts'
import type { Service, ServicePort } from '../../api/generated/types.ts'
import { internalError, invalid } from '../../api/status.ts'
import { needsHealthCheckPort, needsNodePort } from '../resources/service/fields.ts'
import type { Claims } from './claims.ts'
import { nodePortRange, pickFree } from './pick-free.ts'

export interface PortRange {
  first: number
  last: number
}

export const DEFAULT_NODE_PORTS: PortRange = { first: 30_000, last: 32_767 }

/** Puts the service's node ports into it, claiming each that it did not have before. Throws the `ApiError` to answer with. */
export async function allocateNodePorts(
  service: Service,
  held: readonly string[],
  range: PortRange,
  claims: Claims,
): Promise<void> {
  const { spec } = service
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return
  const mine = new Set(held)
  const claim = async (port: number, field: string) => {
    if (mine.has(String(port))) return
    if (port < range.first || port > range.last) throw refuse(service, field, port, outOfRange(range))
    if (!(await claims.claim(String(port)))) throw refuse(service, field, port, 'provided port is already allocated')
    mine.add(String(port))
  }
  // What is asked for by number goes first, so that nothing picked at random stands in its way.
  for (const [i, { nodePort }] of (spec.ports ?? []).entries()) if (nodePort) await claim(nodePort, `spec.ports[${i}].nodePort`)
  if (needsNodePort(service)) {
    // TCP and UDP on one port of a service share the node port, too.
    const byPort = new Map<number, number>()
    for (const { port, nodePort } of spec.ports ?? []) if (nodePort && !byPort.has(port)) byPort.set(port, nodePort)
    for (const port of spec.ports ?? []) port.nodePort ||= await nodePortFor(port, byPort, range, claims)
  }
  if (!needsHealthCheckPort(service)) return
  if (spec.healthCheckNodePort) {
    if (mine.has(String(spec.healthCheckNodePort))) return
    await claimHealthCheck(spec.healthCheckNodePort, range, claims)
  } else spec.healthCheckNodePort = await claimAny(range, claims, 'HealthCheck NodePort')
}

async function nodePortFor(
  { port }: ServicePort,
  byPort: Map<number, number>,
  range: PortRange,
  claims: Claims,
): Promise<number> {
  const shared = byPort.get(port)
  if (shared) return shared
  const nodePort = await claimAny(range, claims, 'nodePort')
  byPort.set(port, nodePort)
  return nodePort
}

async function claimHealthCheck(port: number, range: PortRange, claims: Claims): Promise<void> {
  const fits = port >= range.first && port <= range.last
  if (fits && (await claims.claim(String(port)))) return
  const why = fits ? 'provided port is already allocated' : outOfRange(range)
  throw internalError(new Error(`failed to allocate requested HealthCheck NodePort ${port}: ${why}`))
}

async function claimAny({ first, last }: PortRange, claims: Claims, what: string): Promise<number> {
  const refused = new Set<number>()
  for (;;) {
    const isUsed = (offset: number) => refused.has(offset) || claims.isTaken(String(first + offset))
    const offset = pickFree(nodePortRange(last - first + 1), isUsed, claims.random)
    if (offset === undefined) throw internalError(new Error(`failed to allocate a ${what}: range is full`))
    if (await claims.claim(String(first + offset))) return first + offset
    refused.add(offset)
  }
}

const outOfRange = ({ first, last }: PortRange) =>
  `provided port is not in the valid range. The range of valid ports is ${first}-${last}`

const refuse = ({ metadata }: Service, field: string, port: number, why: string) =>
  invalid('', 'Service', metadata.name, [invalidField(field, port, why)])
