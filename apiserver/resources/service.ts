/** Service. */
import type { Service } from '../../api/generated/types.ts'
import { AGE, formatLabels, loadBalancerAddresses, NAME, NONE, text, UNKNOWN, wide } from './columns.ts'
import { isServiceName } from './rules/names.ts'
import type { ResourceBehaviour } from './resource.ts'
import { dropFieldsOfOldType, keepAllocatedValues, normalizeClusterIPs, setServiceDefaults } from './service/fields.ts'
import { validateService, validateServiceUpdate } from './service/validate.ts'

export const service: ResourceBehaviour<Service> = {
  validateName: isServiceName,
  setDefaults: setServiceDefaults,
  newStatus: () => ({ loadBalancer: {} }),
  prepareForCreate: (service) => normalizeClusterIPs(service, undefined),
  prepareForUpdate: (service, old) => {
    normalizeClusterIPs(service, old)
    keepAllocatedValues(service, old)
    dropFieldsOfOldType(service, old)
    // No balancer, no addresses of one.
    if (service.spec.type !== 'LoadBalancer' && service.status?.loadBalancer?.ingress)
      service.status = { ...service.status, loadBalancer: {} }
  },
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  beforeStore: (service, old, { services, dryRun }) => services.hold(service, old, dryRun),
  warnings: ({ spec }, old) => {
    const warnings: string[] = []
    if (old) return warnings
    if (spec.externalName && spec.type !== 'ExternalName') {
      warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
    }
    return warnings
  },
  columns: [
    NAME,
    text('Type', 'How the service is exposed.', ({ spec }) => spec.type ?? ''),
    text(
      'Cluster-IP',
      'The address of the service within the cluster.',
      ({ spec }) => spec.clusterIPs?.[0] ?? spec.clusterIP ?? NONE,
    ),
    text('External-IP', 'Addresses the service is reached at from outside.', externalAddressOf),
    text('Port(s)', 'The ports of the service, with their node ports.', portsOf),
    AGE,
    wide(text('Selector', 'Labels of the pods that the traffic goes to.', ({ spec }) => formatLabels(spec.selector))),
  ],
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
    'spec.type': ({ spec }) => spec.type ?? '',
  },
  hasStatus: true,
  createOnUpdate: true,
}

function externalAddressOf({ spec, status }: Service): string {
  const addresses = (spec.externalIPs ?? []).join(',')
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return addresses || NONE
    case 'LoadBalancer':
      return [loadBalancerAddresses(status?.loadBalancer), addresses].filter(Boolean).join(',') || '<pending>'
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return UNKNOWN
  }
}

function portsOf({ spec }: Service): string {
  const ports = (spec.ports ?? []).map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`)
  return ports.join(',') || NONE
}
