/** Which nodes take the traffic of each load balancer address. Pure. */
import type { Service } from '../../api/generated/types.ts'

/** What a node's health port last said, and when it last said yes. */
export interface NodeHealth {
  /** The machine runs; a node that was switched off is out at once. */
  isOn: boolean
  /** When the port last answered 200; undefined: never. */
  lastOk: number | undefined
  /**
   * `refused`: the machine answers and the proxy does not; its rules work all the same, so a restart of it must move nothing.
   * `no`: it says itself that it should get nothing. `silent`: the cable is cut.
   */
  last: 'ok' | 'refused' | 'no' | 'silent' | 'unknown'
}

/** Where nodes answer whether they take traffic of any service. */
const PROXY_HEALTH_PORT = 10256

/** How long after its last yes a node goes on counting as serving. */
const PATIENCE_MS = { ok: Infinity, refused: 15_000, silent: 1_000, no: -1, unknown: -1 } as const

export const isServing = ({ isOn, last, lastOk }: NodeHealth, now: number): boolean =>
  isOn && lastOk !== undefined && (last === 'ok' || now - lastOk <= PATIENCE_MS[last])

/** The port that says whether a node serves this service: with external policy Local only those with a pod of it do. */
export const healthPortOf = ({ spec }: Service): number =>
  spec?.externalTrafficPolicy === 'Local' && spec.healthCheckNodePort ? spec.healthCheckNodePort : PROXY_HEALTH_PORT

/** Addresses of the lab's own range, with the services behind them. An address of another balancer is not ours to route. */
export function addressesOf(services: readonly Service[], isOurs: (address: string) => boolean): Map<string, Service> {
  const found = new Map<string, Service>()
  for (const service of services) {
    if (service.spec?.type !== 'LoadBalancer') continue
    for (const { ip } of service.status?.loadBalancer?.ingress ?? []) if (ip && isOurs(ip)) found.set(ip, service)
  }
  return found
}

/**
 * Address → the nodes that take its traffic. When no node says yes, those that did before stay: a balancer that cannot tell
 * does less harm by going on than by turning everyone away.
 */
export function computePaths(
  addresses: ReadonlyMap<string, Service>,
  healthOf: (port: number) => ReadonlyMap<string, NodeHealth>,
  before: ReadonlyMap<string, readonly string[]>,
  now: number,
): Map<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>()
  for (const [address, service] of addresses) {
    const serving = [...healthOf(healthPortOf(service))].filter(([, health]) => isServing(health, now)).map(([node]) => node)
    const nodes = serving.length > 0 ? serving : (before.get(address) ?? [])
    if (nodes.length > 0) paths.set(address, nodes)
  }
  return paths
}
