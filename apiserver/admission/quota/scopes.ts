/** Which quotas an object falls under by their scopes: all of them must fit. Only pods have scopes. */
import type { Pod, PodSpec, ResourceQuota, ScopedResourceSelectorRequirement } from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import { computeQosClass } from '../../resources/pod/qos.ts'
import type { Counted } from './usage.ts'

export function isInScopes({ spec }: ResourceQuota, { resource, group }: Counted, object: KubeObject): boolean {
  const requirements: ScopedResourceSelectorRequirement[] = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ]
  if (requirements.length === 0) return true
  const pod = resource === 'pods' && group === '' ? (object as Pod).spec : undefined
  return pod !== undefined && requirements.every((requirement) => isInScope(pod, requirement))
}

function isInScope(spec: PodSpec, requirement: ScopedResourceSelectorRequirement): boolean {
  switch (requirement.scopeName) {
    case 'Terminating':
      return isTerminating(spec)
    case 'NotTerminating':
      return !isTerminating(spec)
    case 'BestEffort':
      return computeQosClass(spec) === 'BestEffort'
    case 'NotBestEffort':
      return computeQosClass(spec) !== 'BestEffort'
    case 'PriorityClass':
      return hasPriorityClass(spec, requirement)
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(spec)
    default:
      return false
  }
}

const isTerminating = ({ activeDeadlineSeconds }: PodSpec): boolean =>
  activeDeadlineSeconds !== undefined && activeDeadlineSeconds >= 0

function hasPriorityClass(
  { priorityClassName = '' }: PodSpec,
  { operator, values = [] }: ScopedResourceSelectorRequirement,
): boolean {
  switch (operator) {
    case 'In':
      return priorityClassName !== '' && values.includes(priorityClassName)
    case 'NotIn':
      return priorityClassName === '' || !values.includes(priorityClassName)
    case 'Exists':
      return priorityClassName !== ''
    default:
      return priorityClassName === ''
  }
}

function reachesOtherNamespaces({ affinity }: PodSpec): boolean {
  const both = [affinity?.podAffinity, affinity?.podAntiAffinity]
  return both.some((one) =>
    [
      ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ].some(({ namespaces, namespaceSelector }) => Boolean(namespaces?.length) || namespaceSelector !== undefined),
  )
}
