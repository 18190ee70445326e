/** Which of a service's fields go with which type, and how allocated ones carry over from one version to the next. */
import type { Service } from '../../../api/generated/types.ts'
import { sameJson } from '../rules/same-json.ts'

export const needsClusterIP = ({ spec }: Service): boolean => spec.type !== 'ExternalName'

export const needsNodePort = ({ spec }: Service): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)

export const needsHealthCheckPort = ({ spec }: Service): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'

export const isExternallyAccessible = ({ spec }: Service): boolean =>
  spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && Boolean(spec.externalIPs?.length))

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIPs?.[0] === 'None' || spec.clusterIP === 'None'

export function setServiceDefaults({ spec }: Service): void {
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10_800 } }
  }
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    port.targetPort ||= port.port
  }
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ||= 'Cluster'
  if (isExternallyAccessible({ spec } as Service)) spec.externalTrafficPolicy ||= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
  if (spec.type !== 'ExternalName') setFamilyDefaults(spec)
}

function setFamilyDefaults(spec: Service['spec']): void {
  if (!spec.ipFamilyPolicy && (spec.clusterIPs?.length === 2 || spec.ipFamilies?.length === 2))
    spec.ipFamilyPolicy = 'RequireDualStack'
  if (spec.ipFamilyPolicy === 'RequireDualStack' && spec.ipFamilies?.length === 1) {
    spec.ipFamilies = [...spec.ipFamilies, spec.ipFamilies[0] === 'IPv4' ? 'IPv6' : 'IPv4']
  }
}

/** `clusterIP` and `clusterIPs[0]` are one field under two names; clients may know only the first. */
export function normalizeClusterIPs({ spec }: Service, old: Service | undefined): void {
  if (!old) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
    return
  }
  if (spec.clusterIP === old.spec.clusterIP) return
  const listUntouched = sameJson(spec.clusterIPs, old.spec.clusterIPs)
  if (!spec.clusterIP && old.spec.clusterIP) {
    if (listUntouched) delete spec.clusterIPs
  } else if (spec.clusterIP && (listUntouched || !spec.clusterIPs?.length)) spec.clusterIPs = [spec.clusterIP]
}

/** A PUT of the manifest leaves out what was allocated: it keeps it. */
export function keepAllocatedValues(service: Service, old: Service): void {
  const { spec } = service
  if (needsClusterIP(service) && needsClusterIP(old)) {
    spec.clusterIP ||= old.spec.clusterIP
    if (!spec.clusterIPs?.length && spec.clusterIP === old.spec.clusterIP) spec.clusterIPs = old.spec.clusterIPs
    if (!spec.ipFamilies?.length) spec.ipFamilies = old.spec.ipFamilies
    spec.ipFamilyPolicy ??= old.spec.ipFamilyPolicy
  }
  if (needsNodePort(service) && needsNodePort(old)) keepNodePorts(service, old)
  if (needsHealthCheckPort(service) && needsHealthCheckPort(old)) spec.healthCheckNodePort ||= old.spec.healthCheckNodePort
}

function keepNodePorts({ spec }: Service, { spec: old }: Service): void {
  const used = new Set<number>()
  for (const { nodePort } of spec.ports ?? []) if (nodePort) used.add(nodePort)
  const byName = new Map((old.ports ?? []).map(({ name, nodePort }) => [name ?? '', nodePort]))
  for (const port of spec.ports ?? []) {
    const before = byName.get(port.name ?? '')
    if (port.nodePort || !before || used.has(before)) continue
    port.nodePort = before
    used.add(before)
  }
}

/** A change of type leaves fields behind that do not go with the new one: those that the writer did not touch go. */
export function dropFieldsOfOldType(service: Service, old: Service): void {
  const { spec } = service
  const untouched = (member: keyof Service['spec']) => sameJson(spec[member], old.spec[member])
  if (!needsClusterIP(service) && needsClusterIP(old)) {
    if (untouched('clusterIP') && untouched('clusterIPs')) {
      delete spec.clusterIP
      delete spec.clusterIPs
    }
    for (const member of ['ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'] as const)
      if (untouched(member)) delete spec[member]
  }
  if (!needsNodePort(service) && needsNodePort(old) && sameNodePorts(service, old)) {
    for (const port of spec.ports ?? []) delete port.nodePort
  }
  if (!needsHealthCheckPort(service) && needsHealthCheckPort(old) && untouched('healthCheckNodePort'))
    delete spec.healthCheckNodePort
  if (spec.type !== 'LoadBalancer' && old.spec.type === 'LoadBalancer') {
    for (const member of ['allocateLoadBalancerNodePorts', 'loadBalancerClass'] as const)
      if (untouched(member)) delete spec[member]
  }
  if (!isExternallyAccessible(service) && isExternallyAccessible(old) && untouched('externalTrafficPolicy'))
    delete spec.externalTrafficPolicy
}

const sameNodePorts = ({ spec }: Service, { spec: old }: Service): boolean => {
  const ports = new Set(old.ports?.map(({ nodePort }) => nodePort))
  return (spec.ports ?? []).every(({ nodePort }) => !nodePort || ports.has(nodePort))
}
