/** Which cluster IPs and node ports a service holds, by its fields. Pure. */
import type { Service } from '../../api/generated/types.ts'

export interface ServiceValues {
  clusterIPs: readonly string[]
  /** As text: they are keys. Ports, and the health-check port. */
  nodePorts: readonly string[]
}

const NOTHING: ServiceValues = { clusterIPs: [], nodePorts: [] }

export function valuesOf(service: Service | undefined): ServiceValues {
  if (!service || service.spec.type === 'ExternalName') return NOTHING
  const { spec } = service
  const ports = new Set<string>()
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
    for (const { nodePort } of spec.ports ?? []) if (nodePort) ports.add(String(nodePort))
    if (spec.type === 'LoadBalancer' && spec.healthCheckNodePort) ports.add(String(spec.healthCheckNodePort))
  }
  return { clusterIPs: (spec.clusterIPs ?? []).filter((ip) => ip !== 'None'), nodePorts: [...ports] }
}
