/** What webhooks and admission policies are about: the rules of their `rules`, conditions and match constraints. */
import { duplicate, invalid, notSupported, required } from '../../../api/field-error.ts'
import type { MatchCondition, MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../../../api/generated/types.ts'
import { isQualifiedName } from '../../../api/names.ts'
import { check, checkOneOf, type Errors } from './field-rules.ts'
import { validateLabelSelector } from './label-selector.ts'

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const SCOPES = ['*', 'Cluster', 'Namespaced']
const MAX_CONDITIONS = 64

export function setRuleDefaults(rules: readonly (RuleWithOperations | NamedRuleWithOperations)[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*'
}

export function setMatchDefaults(match: MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  setRuleDefaults(match.resourceRules)
  setRuleDefaults(match.excludeResourceRules)
}

export function validateRules(errors: Errors, path: string, rules: readonly RuleWithOperations[] | undefined): void {
  rules?.forEach((rule, i) => validateRule(errors, `${path}[${i}]`, rule))
}

function validateRule(errors: Errors, path: string, rule: RuleWithOperations): void {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule
  checkList(errors, `${path}.operations`, operations, 'operations')
  operations.forEach((operation, i) => {
    if (!OPERATIONS.includes(operation)) errors.push(notSupported(`${path}.operations[${i}]`, operation, OPERATIONS))
  })
  checkList(errors, `${path}.apiGroups`, apiGroups, 'API groups')
  checkList(errors, `${path}.apiVersions`, apiVersions, 'API versions')
  apiVersions.forEach((version, i) => {
    if (version === '') errors.push(required(`${path}.apiVersions[${i}]`))
  })
  validateResources(errors, `${path}.resources`, resources)
  if (scope !== undefined && !SCOPES.includes(scope)) errors.push(notSupported(`${path}.scope`, scope, SCOPES))
}

function checkList(errors: Errors, path: string, values: readonly string[], what: string): void {
  if (values.length === 0) errors.push(required(path))
  if (values.length > 1 && values.includes('*'))
    errors.push(invalid(path, values, `if '*' is present, must not specify other ${what}`))
}

function validateResources(errors: Errors, path: string, resources: readonly string[]): void {
  if (resources.length === 0) errors.push(required(path))
  const whole = new Set<string>()
  const parts = new Set<string>()
  let hasSingle = false
  resources.forEach((resource, i) => {
    const at = `${path}[${i}]`
    if (resource === '') {
      errors.push(required(at))
      return
    }
    const [name = '', part] = resource.split('/')
    if (part === undefined) hasSingle = true
    else if (whole.has(name)) errors.push(invalid(at, resource, `if '${name}/*' is present, must not specify ${resource}`))
    else if (parts.has(part)) errors.push(invalid(at, resource, `if '*/${part}' is present, must not specify ${resource}`))
    if (part === '*') whole.add(name)
    if (part !== undefined && name === '*') parts.add(part)
  })
  if (resources.length > 1 && resources.includes('*/*'))
    errors.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"))
  if (resources.includes('*') && hasSingle && resources.filter((resource) => !resource.includes('/')).length > 1) {
    errors.push(invalid(path, resources, "if '*' is present, must not specify other resources without subresources"))
  }
}

export function validateConditions(errors: Errors, path: string, conditions: readonly MatchCondition[] | undefined): void {
  if (!conditions) return
  if (conditions.length > MAX_CONDITIONS) {
    errors.push({
      reason: 'FieldValueTooMany',
      field: path,
      message: `Too many: ${conditions.length}: must have at most ${MAX_CONDITIONS} items`,
    })
  }
  const names = new Set<string>()
  conditions.forEach(({ name, expression }, i) => {
    const at = `${path}[${i}]`
    if (!expression?.trim()) errors.push(required(`${at}.expression`))
    if (!name) errors.push(required(`${at}.name`))
    else {
      check(errors, `${at}.name`, name, isQualifiedName(name))
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
      names.add(name)
    }
  })
}

export function validateMatch(errors: Errors, path: string, match: MatchResources): void {
  checkOneOf(errors, `${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact'])
  validateLabelSelector(errors, `${path}.namespaceSelector`, match.namespaceSelector)
  validateLabelSelector(errors, `${path}.objectSelector`, match.objectSelector)
  validateRules(errors, `${path}.resourceRules`, match.resourceRules)
  validateRules(errors, `${path}.excludeResourceRules`, match.excludeResourceRules)
}
