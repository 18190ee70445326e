/** What one object uses of a quota, by the names that quotas count in: pure. */
import type { Container, PersistentVolumeClaim, Pod, PodSpec, Service } from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import { quantityFromInteger, type Quantity } from '../../../api/quantity.ts'
import { computePodResources, isExtendedResource, toAmounts, type Amounts } from '../pods/pod-resources.ts'

const ONE = quantityFromInteger(1)
const STORAGE_CLASS = '.storageclass.storage.k8s.io/'

/** Kinds with a name of their own in quotas, beside `count/<resource>`. */
const COUNTED = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
])

export interface Counted {
  group: string
  resource: string
}

const countName = ({ group, resource }: Counted): string => `count/${group ? `${resource}.${group}` : resource}`

/** Does a write of this kind change what is used, and how may it? Everything is counted when it is made. */
export const changesOnUpdate = ({ group, resource }: Counted): boolean =>
  group === '' && (resource === 'services' || resource === 'persistentvolumeclaims' || resource === 'pods')

export function computeUsage(counted: Counted, object: KubeObject): Amounts {
  const usage: Amounts = new Map([[countName(counted), ONE]])
  if (counted.group !== '') return usage
  if (COUNTED.has(counted.resource)) usage.set(counted.resource, ONE)
  if (counted.resource === 'pods') addPod(usage, object as Pod)
  if (counted.resource === 'services') addService(usage, object as Service)
  if (counted.resource === 'persistentvolumeclaims') addClaim(usage, object as PersistentVolumeClaim)
  return usage
}

/** Is this name of a quota one that objects of the kind use? */
export function isCountedBy(counted: Counted, name: string): boolean {
  if (name === countName(counted)) return true
  if (counted.group !== '') return false
  switch (counted.resource) {
    case 'pods':
      return POD_NAMES.has(name) || /^(requests\.)?hugepages-/.test(name) || isQuotaOfExtendedResource(name)
    case 'services':
      return name === 'services' || name === 'services.nodeports' || name === 'services.loadbalancers'
    case 'persistentvolumeclaims':
      return CLAIM_NAMES.some((own) => name === own || name.endsWith(`${STORAGE_CLASS}${own}`))
    default:
      return COUNTED.has(counted.resource) && name === counted.resource
  }
}

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'] as const
const POD_NAMES = new Set(['pods', ...COMPUTE.flatMap((name) => [name, `requests.${name}`, `limits.${name}`])])
const CLAIM_NAMES = ['persistentvolumeclaims', 'requests.storage']

const isQuotaOfExtendedResource = (name: string): boolean =>
  name.startsWith('requests.') && isExtendedResource(name.slice('requests.'.length))

/** A pod that is over, or past its grace, is only counted as an object. */
function addPod(usage: Amounts, { spec, status }: Pod): void {
  if (!spec || status?.phase === 'Failed' || status?.phase === 'Succeeded') return
  usage.set('pods', ONE)
  addCompute(usage, computePodResources(spec, 'requests'), computePodResources(spec, 'limits'))
}

function addCompute(usage: Amounts, requests: Amounts, limits: Amounts): void {
  for (const [name, amount] of requests) {
    if ((COMPUTE as readonly string[]).includes(name) || name.startsWith('hugepages-')) {
      usage.set(name, amount)
      usage.set(`requests.${name}`, amount)
    } else if (isExtendedResource(name)) usage.set(`requests.${name}`, amount)
  }
  for (const [name, amount] of limits) if ((COMPUTE as readonly string[]).includes(name)) usage.set(`limits.${name}`, amount)
}

function addService(usage: Amounts, { spec }: Service): void {
  const ports = spec?.ports ?? []
  const hasNodePorts = spec?.type === 'NodePort' || spec?.type === 'LoadBalancer'
  const withoutAllocation = spec?.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false
  const nodePorts = withoutAllocation ? ports.filter(({ nodePort }) => nodePort) : hasNodePorts ? ports : []
  usage.set('services.nodeports', quantityFromInteger(nodePorts.length))
  usage.set('services.loadbalancers', quantityFromInteger(spec?.type === 'LoadBalancer' ? 1 : 0))
}

function addClaim(usage: Amounts, { spec, metadata, status }: PersistentVolumeClaim): void {
  const storageClass = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? ''
  const amounts: [string, Quantity][] = [['persistentvolumeclaims', ONE]]
  const requested = toAmounts(spec?.resources?.requests).get('storage')
  // What a resize has taken already stays taken, also when the request is lowered again.
  const allocated = toAmounts(status?.allocatedResources).get('storage')
  const storage = requested && allocated && allocated.nano > requested.nano ? allocated : requested
  if (storage) amounts.push(['requests.storage', wholeBytes(storage)])
  for (const [name, amount] of amounts) {
    usage.set(name, amount)
    if (storageClass) usage.set(`${storageClass}${STORAGE_CLASS}${name}`, amount)
  }
}

const NANO = 10n ** 9n
const wholeBytes = ({ nano, format }: Quantity): Quantity => ({ nano: ((nano + NANO - 1n) / NANO) * NANO, format })

const MUST_BE_STATED = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']

/**
 * Why a pod cannot be counted, or null: where a quota holds cpu or memory, every container has to state them.
 * `must specify limits.cpu for: a,b; memory for: a`
 */
export function missingAmounts({ resource, group }: Counted, object: KubeObject, names: readonly string[]): string | null {
  const { spec } = object as Pod
  if (resource !== 'pods' || group !== '' || !spec) return null
  const required = MUST_BE_STATED.filter((name) => names.includes(name)).sort()
  const missing = required.flatMap((name) => {
    if (statedByPod(spec, name)) return []
    const silent = [...spec.containers, ...(spec.initContainers ?? [])].filter((container) => !states(container, name))
    return silent.length > 0 ? [`${name} for: ${[...new Set(silent.map((container) => container.name))].sort().join(',')}`] : []
  })
  return missing.length > 0 ? `must specify ${missing.join('; ')}` : null
}

const split = (name: string): ['requests' | 'limits', string] =>
  name.startsWith('limits.') ? ['limits', name.slice('limits.'.length)] : ['requests', name.replace(/^requests\./, '')]

function states({ resources }: Container, name: string): boolean {
  const [kind, resource] = split(name)
  return resources?.[kind]?.[resource] !== undefined
}

function statedByPod({ resources }: PodSpec, name: string): boolean {
  const [kind, resource] = split(name)
  return resources?.[kind]?.[resource] !== undefined
}
