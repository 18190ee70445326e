/** ResourceQuota. */
import { invalid, required } from '../../api/field-error.ts'
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../api/generated/types.ts'
import { AGE, NAME, text } from './columns.ts'
import type { Errors } from './rules/field-rules.ts'
import {
  canonicalizeResourceList,
  isQuotaResource,
  type ResourceList,
  validateQuantityValue,
  validateQuotaResourceName,
} from './rules/quantities.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

type Spec = ResourceQuota['spec']

export const resourceQuota: ResourceBehaviour<ResourceQuota> = {
  setDefaults: (quota) => {
    quota.spec ??= {}
    canonicalizeResourceList(quota.spec.hard)
    canonicalizeResourceList(quota.status?.hard)
    canonicalizeResourceList(quota.status?.used)
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    validateList(errors, 'spec.hard', spec.hard)
    if (spec.scopes?.length) validateScopes(errors, spec)
    if (spec.scopeSelector) validateSelector(errors, spec)
    return errors
  },
  validateUpdate: ({ spec }, old) => {
    const before = new Set(old.spec.scopes)
    return sameJson([...before].sort(), [...new Set(spec.scopes)].sort())
      ? []
      : [invalid('spec.scopes', spec.scopes ?? null, 'field is immutable')]
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    validateList(errors, 'status.hard', status?.hard)
    validateList(errors, 'status.used', status?.used)
    return errors
  },
  columns: [
    NAME,
    text('Request', 'Request represents a minimum amount of cpu/memory that a container may consume.', (quota) =>
      usage(quota, (name) => !name.startsWith('limits.')),
    ),
    text(
      'Limit',
      'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      (quota) => usage(quota, (name) => name.startsWith('limits.')),
    ),
    AGE,
  ],
  hasStatus: true,
}

const usage = ({ status }: ResourceQuota, shown: (name: string) => boolean): string =>
  Object.keys(status?.hard ?? {})
    .filter(shown)
    .sort()
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name]}`)
    .join(', ')

function validateList(errors: Errors, path: string, list: ResourceList | undefined): void {
  for (const name in list) {
    validateQuotaResourceName(errors, `${path}[${name}]`, name)
    validateQuantityValue(errors, `${path}[${name}]`, name, list[name]!)
  }
}

const BY_POD = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'PriorityClass', 'CrossNamespacePodAffinity']
const OF_CLAIMS = 'VolumeAttributesClass'
const EXISTS_ONLY = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity']
const POD_RESOURCES = new Set(['pods', 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])
const CLAIM_RESOURCES = new Set(['persistentvolumeclaims', 'requests.storage'])

/** A scope that nobody knows is complained about by itself. */
function fits(scope: string, resource: string): boolean {
  if (scope === 'BestEffort') return resource === 'pods'
  if (scope === OF_CLAIMS) return CLAIM_RESOURCES.has(resource)
  return !BY_POD.includes(scope) || POD_RESOURCES.has(resource)
}

const isScope = (scope: string): boolean => BY_POD.includes(scope) || scope === OF_CLAIMS
const misfits = (scope: string, { hard }: Spec): boolean =>
  Object.keys(hard ?? {}).some((resource) => isQuotaResource(resource) && !fits(scope, resource))

const conflicts = (scopes: ReadonlySet<string>): boolean =>
  (scopes.has('BestEffort') && scopes.has('NotBestEffort')) || (scopes.has('Terminating') && scopes.has('NotTerminating'))

function validateScopes(errors: Errors, spec: Spec): void {
  const { scopes = [] } = spec
  for (const scope of scopes) {
    if (!isScope(scope)) errors.push(invalid('spec.scopes', scopes, 'unsupported scope'))
    if (misfits(scope, spec)) errors.push(invalid('spec.scopes', scopes, 'unsupported scope applied to resource'))
  }
  if (conflicts(new Set(scopes))) errors.push(invalid('spec.scopes', scopes, 'conflicting scopes'))
}

function validateSelector(errors: Errors, spec: Spec): void {
  const path = 'spec.scopeSelector.matchExpressions'
  const requirements = spec.scopeSelector?.matchExpressions ?? []
  for (const requirement of requirements) {
    const { scopeName } = requirement
    if (!isScope(scopeName)) errors.push(invalid(`${path}.scopeName`, scopeName, 'unsupported scope'))
    if (misfits(scopeName, spec)) errors.push(invalid(path, spec.scopeSelector, 'unsupported scope applied to resource'))
    validateRequirement(errors, path, requirement)
  }
  if (conflicts(new Set(requirements.map(({ scopeName }) => scopeName))))
    errors.push(invalid(path, spec.scopes ?? null, 'conflicting scopes'))
}

function validateRequirement(
  errors: Errors,
  path: string,
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
): void {
  if (EXISTS_ONLY.includes(scopeName) && operator !== 'Exists') {
    const why =
      "must be 'Exist' only operator when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
    errors.push(invalid(`${path}.operator`, operator, why))
  }
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      errors.push(required(`${path}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(
        invalid(`${path}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"),
      )
    }
  } else errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'))
}
