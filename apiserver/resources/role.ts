/** Role and ClusterRole: lists of rules. */
import { invalid, required } from '../../api/field-error.ts'
import type { ClusterRole, PolicyRule, Role } from '../../api/generated/types.ts'
import { validateLabelSelector } from './rules/label-selector.ts'
import type { Errors } from './rules/field-rules.ts'
import { isUrlSegment } from './rules/names.ts'
import type { ResourceBehaviour } from './resource.ts'

export const role: ResourceBehaviour<Role> = {
  validateName: isUrlSegment,
  validate: ({ rules }) => {
    const errors: Errors = []
    rules?.forEach((rule, i) => validateRule(errors, `rules[${i}]`, rule, true))
    return errors
  },
  createOnUpdate: true,
}

export const clusterRole: ResourceBehaviour<ClusterRole> = {
  validateName: isUrlSegment,
  validate: ({ rules, aggregationRule }) => {
    const errors: Errors = []
    rules?.forEach((rule, i) => validateRule(errors, `rules[${i}]`, rule, false))
    if (!aggregationRule) return errors
    const path = 'aggregationRule.clusterRoleSelectors'
    const { clusterRoleSelectors: selectors = [] } = aggregationRule
    if (selectors.length === 0)
      errors.push(required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'))
    selectors.forEach((selector, i) => validateLabelSelector(errors, `${path}[${i}]`, selector))
    return errors
  },
  createOnUpdate: true,
}

function validateRule(errors: Errors, path: string, rule: PolicyRule, namespaced: boolean): void {
  const { verbs = [], nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule
  if (verbs.length === 0) errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'))
  if (nonResourceURLs.length > 0) {
    if (namespaced) {
      errors.push(invalid(`${path}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
    }
    if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
      const why = 'rules cannot apply to both regular resources and non-resource URLs'
      errors.push(invalid(`${path}.nonResourceURLs`, nonResourceURLs, why))
    }
    return
  }
  if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  if (resources.length === 0) errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'))
}
