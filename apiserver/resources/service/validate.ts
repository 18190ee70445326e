/** The rules of services, on their own and between two versions. */
import { duplicate, forbidden, invalid, notSupported, required } from '../../../api/field-error.ts'
import type { Service, ServicePort } from '../../../api/generated/types.ts'
import {
  ipFamily,
  isDNS1123Label,
  isDNS1123Subdomain,
  isQualifiedName,
  isValidCIDR,
  isValidIP,
  isValidPortNumber,
} from '../../../api/names.ts'
import { check, checkOneOf, checkSupported, checkUnique, type Errors } from '../rules/field-rules.ts'
import { validateNonSpecialIP } from '../rules/ip-rules.ts'
import { validateLabels } from '../rules/object-meta.ts'
import { validatePortNumberOrName } from '../pod-spec/probes.ts'
import { sameJson } from '../rules/same-json.ts'
import { isExternallyAccessible, isHeadless, needsClusterIP, needsHealthCheckPort } from './fields.ts'

const KUBELET_PORT = 10_250
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const MAX_AFFINITY_SECONDS = 86_400

export function validateService(service: Service): Errors {
  const errors: Errors = []
  const { spec } = service
  const headless = isHeadless(service)
  if (!spec.ports?.length && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'))
  if (spec.type === 'LoadBalancer') {
    spec.ports?.forEach(({ port }, i) => {
      if (port === KUBELET_PORT) {
        errors.push(
          invalid(`spec.ports[${i}]`, port, `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`),
        )
      }
    })
  }
  if (headless && (spec.type === 'LoadBalancer' || spec.type === 'NodePort')) {
    errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`))
  }
  if (spec.type === 'ExternalName') validateExternalName(errors, service)
  validatePorts(errors, service)
  validateLabels(errors, 'spec.selector', spec.selector)
  validateAffinity(errors, service)
  validateClusterIPs(errors, service)
  spec.externalIPs?.forEach((ip, i) => validateNonSpecialIP(errors, `spec.externalIPs[${i}]`, ip))
  checkOneOf(errors, 'spec.type', spec.type, TYPES)
  validateLoadBalancer(errors, service)
  validateTrafficPolicies(errors, service)
  checkSupported(errors, 'spec.trafficDistribution', spec.trafficDistribution, [
    'PreferClose',
    'PreferSameNode',
    'PreferSameZone',
  ])
  return errors
}

function validateExternalName(errors: Errors, { spec }: Service): void {
  const why = 'may not be set for ExternalName services'
  if (spec.clusterIPs?.length) errors.push(forbidden('spec.clusterIPs', why))
  if (spec.ipFamilies?.length) errors.push(forbidden('spec.ipFamilies', why))
  if (spec.ipFamilyPolicy) errors.push(forbidden('spec.ipFamilyPolicy', why))
  // A trailing dot marks a name that is complete.
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name) check(errors, 'spec.externalName', name, isDNS1123Subdomain(name))
  else errors.push(required('spec.externalName'))
}

/** What upstream's own type prints of a port when it tells of two that are alike. */
const BARE_PORT = { Name: '', Protocol: '', AppProtocol: null, Port: 0, TargetPort: 0, NodePort: 0 }

function validatePorts(errors: Errors, { spec }: Service): void {
  const ports = spec.ports ?? []
  const names = new Set<string>()
  const nodePorts = new Set<string>()
  const pairs = new Set<string>()
  ports.forEach((port, i) => {
    const at = `spec.ports[${i}]`
    validatePort(errors, at, port, ports.length > 1, names)
    if (port.nodePort) {
      if (spec.type === 'ClusterIP') errors.push(forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"))
      const key = `${port.protocol} ${port.nodePort}`
      if (nodePorts.has(key)) errors.push(duplicate(`${at}.nodePort`, port.nodePort))
      nodePorts.add(key)
    }
    const pair = `${port.protocol} ${port.port}`
    if (pairs.has(pair)) errors.push(duplicate(at, { ...BARE_PORT, Protocol: port.protocol, Port: port.port }))
    pairs.add(pair)
  })
}

function validatePort(errors: Errors, path: string, port: ServicePort, requireName: boolean, names: Set<string>): void {
  if (port.name) {
    check(errors, `${path}.name`, port.name, isDNS1123Label(port.name))
    checkUnique(errors, `${path}.name`, port.name, names)
  } else if (requireName) errors.push(required(`${path}.name`))
  check(errors, `${path}.port`, port.port ?? 0, isValidPortNumber(port.port ?? 0))
  checkOneOf(errors, `${path}.protocol`, port.protocol, PROTOCOLS)
  validatePortNumberOrName(errors, `${path}.targetPort`, port.targetPort ?? 0)
  if (port.appProtocol) check(errors, `${path}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol))
}

function validateAffinity(errors: Errors, { spec }: Service): void {
  checkOneOf(errors, 'spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) {
    errors.push(forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None'))
  }
  if (spec.sessionAffinity !== 'ClientIP') return
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (timeout === undefined || timeout <= 0 || timeout > MAX_AFFINITY_SECONDS) {
    const why = `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`
    errors.push(invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', timeout, why))
  }
}

const FAMILIES = ['IPv4', 'IPv6']
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack']

function validateClusterIPs(errors: Errors, { spec }: Service): void {
  if (spec.type === 'ExternalName') return
  const ips = spec.clusterIPs ?? []
  if (spec.clusterIP) {
    if (ips.length === 0) errors.push(required('spec.clusterIPs'))
    else if (ips[0] !== spec.clusterIP) errors.push(invalid('spec.clusterIPs', ips, 'first value must match `clusterIP`'))
  } else if (ips.length > 0) errors.push(invalid('spec.clusterIPs', ips, 'must be empty when `clusterIP` is not specified'))
  validateFamilies(errors, spec)
  if (ips.length > 1 && ips.includes('None'))
    errors.push(invalid('spec.clusterIPs', ips, "'None' must be the first and only value"))
  ips.forEach((ip, i) => {
    if (ip !== 'None') check(errors, `spec.clusterIPs[${i}]`, ip, isValidIP(ip))
  })
  if (ips.length > 2) errors.push(invalid('spec.clusterIPs', ips, 'may only hold up to 2 values'))
  else if (ips.length === 2 && ipFamily(ips[0]!) === ipFamily(ips[1]!)) {
    errors.push(invalid('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family'))
  }
  spec.ipFamilies?.forEach((family, i) => {
    const ip = ips[i]
    if (!ip || ip === 'None' || !ipFamily(ip) || family === `IPv${ipFamily(ip)}`) return
    errors.push(invalid(`spec.clusterIPs[${i}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``))
  })
}

function validateFamilies(errors: Errors, spec: Service['spec']): void {
  const seen = new Set<string>()
  spec.ipFamilies?.forEach((family, i) => {
    if (!FAMILIES.includes(family)) errors.push(notSupported(`spec.ipFamilies[${i}]`, family, FAMILIES))
    checkUnique(errors, `spec.ipFamilies[${i}]`, family, seen)
  })
  checkSupported(errors, 'spec.ipFamilyPolicy', spec.ipFamilyPolicy, FAMILY_POLICIES)
}

function validateLoadBalancer(errors: Errors, { spec }: Service): void {
  const why = "may only be used when `type` is 'LoadBalancer'"
  if (spec.type !== 'LoadBalancer') {
    if (spec.loadBalancerSourceRanges?.length) errors.push(forbidden('spec.LoadBalancerSourceRanges', why))
    if (spec.allocateLoadBalancerNodePorts !== undefined) errors.push(forbidden('spec.allocateLoadBalancerNodePorts', why))
    if (spec.loadBalancerClass !== undefined) errors.push(forbidden('spec.loadBalancerClass', why))
    return
  }
  spec.loadBalancerSourceRanges?.forEach((range, i) => {
    check(errors, `spec.LoadBalancerSourceRanges[${i}]`, range, isValidCIDR(range.trim()))
  })
  if (spec.loadBalancerClass !== undefined) {
    check(errors, 'spec.loadBalancerClass', spec.loadBalancerClass, isQualifiedName(spec.loadBalancerClass))
  }
}

function validateTrafficPolicies(errors: Errors, service: Service): void {
  const { spec } = service
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal, healthCheckNodePort: health } = spec
  const policies = ['Cluster', 'Local']
  if (!isExternallyAccessible(service)) {
    if (external) {
      errors.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'))
    }
  } else checkOneOf(errors, 'spec.externalTrafficPolicy', external, policies)
  if (spec.type !== 'ExternalName' && internal !== undefined) checkOneOf(errors, 'spec.internalTrafficPolicy', internal, policies)
  if (!health) return
  if (!needsHealthCheckPort(service)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    errors.push(invalid('spec.healthCheckNodePort', health, why))
  } else check(errors, 'spec.healthCheckNodePort', health, isValidPortNumber(health))
}

export function validateServiceUpdate(service: Service, old: Service): Errors {
  const errors: Errors = []
  const { spec } = service
  const { clusterIPs: before = [] } = old.spec
  if (needsClusterIP(service) && needsClusterIP(old) && before.length > 0) {
    const after = spec.clusterIPs ?? []
    if (after.length === 0) errors.push(invalid('spec.clusterIPs[0]', after, 'primary clusterIP can not be unset'))
    else {
      before.forEach((ip, i) => {
        if (after[i] !== undefined && after[i] !== ip)
          errors.push(invalid(`spec.clusterIPs[${i}]`, after, 'may not change once set'))
      })
      if (after.length < before.length && spec.ipFamilyPolicy !== 'SingleStack') {
        const why = "must be set to 'SingleStack' when releasing the secondary clusterIP"
        errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why))
      }
    }
    const families = old.spec.ipFamilies ?? []
    if (families[0] && spec.ipFamilies?.[0] && families[0] !== spec.ipFamilies[0]) {
      errors.push(invalid('spec.ipFamilies[0]', spec.ipFamilies, 'may not change once set'))
    }
  }
  if (
    old.spec.type === 'LoadBalancer' &&
    spec.type === 'LoadBalancer' &&
    !sameJson(spec.loadBalancerClass, old.spec.loadBalancerClass)
  ) {
    errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'))
  }
  return errors
}
