/** How much of each quota resource an object uses, under upstream's names. Pure. */
import { addResourceLists, compareQuantityText } from '../../../api/quantity.ts'
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../../../api/generated/types.ts'
import { isFinished } from '../../pods.ts'

export type Amounts = Record<string, string>

const count = (...names: string[]): Amounts => Object.fromEntries(names.map((name) => [name, '1']))

/** Several requests of a pod at once: containers run together, init containers one after the other and with the sidecars before. */
function podResources(pod: Pod, field: 'requests' | 'limits'): Amounts {
  const of = (container: { resources?: { requests?: Amounts | undefined; limits?: Amounts | undefined } | undefined }) =>
    container.resources?.[field] ?? {}
  const initContainers = pod.spec.initContainers ?? []
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const running = addResourceLists(...pod.spec.containers.map(of), ...sidecars.map(of))
  let before: Amounts = {}
  let most: Amounts = {}
  for (const container of initContainers) {
    if (container.restartPolicy === 'Always') before = addResourceLists(before, of(container))
    else most = maximum(most, addResourceLists(before, of(container)))
  }
  const own = pod.spec.resources?.[field] as Amounts | undefined
  return addResourceLists({ ...maximum(running, most), ...own }, pod.spec.overhead)
}

const maximum = (a: Amounts, b: Amounts): Amounts =>
  Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, larger(a[name], b[name])]))

const larger = (a: string | undefined, b: string | undefined): string => {
  if (a === undefined || b === undefined) return a ?? b ?? '0'
  return compareQuantityText(a, b) >= 0 ? a : b
}

export function podUsage(pod: Pod): Amounts {
  // The object counts until it is deleted; what it may use only while it may run.
  if (isFinished(pod)) return count('count/pods')
  const requests = podResources(pod, 'requests')
  const limits = podResources(pod, 'limits')
  const usage: Amounts = count('count/pods', 'pods')
  for (const [name, amount] of Object.entries(requests)) {
    usage[`requests.${name}`] = amount
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-')) usage[name] = amount
  }
  for (const [name, amount] of Object.entries(limits)) usage[`limits.${name}`] = amount
  return usage
}

export function serviceUsage({ spec }: Service): Amounts {
  const usage = count('count/services', 'services')
  const nodePorts = (spec?.ports ?? []).filter(({ nodePort }) => nodePort).length
  if (spec?.type === 'LoadBalancer') usage['services.loadbalancers'] = '1'
  if (spec?.type === 'NodePort' || spec?.type === 'LoadBalancer') usage['services.nodeports'] = String(nodePorts)
  return usage
}

export function claimUsage({ metadata, spec }: PersistentVolumeClaim): Amounts {
  const usage = count('count/persistentvolumeclaims', 'persistentvolumeclaims')
  const storage = spec?.resources?.requests?.['storage']
  if (storage) usage['requests.storage'] = storage
  const storageClass = spec?.storageClassName ?? metadata.annotations?.['volume.beta.kubernetes.io/storage-class']
  if (!storageClass) return usage
  const prefix = `${storageClass}.storageclass.storage.k8s.io`
  return { ...usage, [`${prefix}/persistentvolumeclaims`]: '1', ...(storage ? { [`${prefix}/requests.storage`]: storage } : {}) }
}

/** A quota with scopes counts only the pods that are in all of them, and nothing but pods. */
export function isInScopes({ spec }: ResourceQuota, pod: Pod): boolean {
  const scopes = (spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists', values: [] as string[] }))
  const all = [...scopes, ...(spec?.scopeSelector?.matchExpressions ?? [])]
  return all.every(({ scopeName, operator, values = [] }) => isInScope(pod, scopeName, operator, values))
}

export const hasScopes = ({ spec }: ResourceQuota): boolean =>
  Boolean(spec?.scopes?.length) || Boolean(spec?.scopeSelector?.matchExpressions?.length)

function isInScope(pod: Pod, scope: string, operator: string, values: readonly string[]): boolean {
  const terminating = (pod.spec.activeDeadlineSeconds ?? -1) >= 0
  switch (scope) {
    case 'Terminating':
      return terminating
    case 'NotTerminating':
      return !terminating
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'CrossNamespacePodAffinity':
      return refersToOtherNamespaces(pod)
    case 'PriorityClass': {
      const name = pod.spec.priorityClassName
      if (operator === 'In') return name !== undefined && values.includes(name)
      if (operator === 'NotIn') return name === undefined || !values.includes(name)
      return (operator === 'Exists') === Boolean(name)
    }
    default:
      return false
  }
}

const isBestEffort = ({ spec, status }: Pod): boolean =>
  status?.qosClass
    ? status.qosClass === 'BestEffort'
    : [...spec.containers, ...(spec.initContainers ?? [])].every(
        ({ resources }) => Object.keys(resources?.requests ?? {}).length + Object.keys(resources?.limits ?? {}).length === 0,
      )

function refersToOtherNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  const terms = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ])
  return terms.some(({ namespaces, namespaceSelector }) => Boolean(namespaces?.length) || namespaceSelector !== undefined)
}
