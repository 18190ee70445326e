/** Which default roles and bindings must be created or widened: pure, from what exists to what to write. */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacSubject, Role, RoleBinding } from '../../../api/generated/types.ts'
import type { ClusterReader } from '../../admission/plugin.ts'
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from './bootstrap-policy.ts'
import { AUTOUPDATE } from './policy-notation.ts'
import { uncoveredRules } from '../authorization/rbac-rules.ts'

type PolicyObject = ClusterRole | ClusterRoleBinding | Role | RoleBinding

/** `replace`: a binding to another role than the default one cannot be updated; it is deleted and created again. */
export type PolicyAction =
  | { do: 'create'; object: PolicyObject }
  | { do: 'update'; object: PolicyObject }
  | { do: 'replace'; object: PolicyObject; existing: PolicyObject }

/**
 * Run when an API server starts, after kube-system and kube-public exist. Rights and subjects that somebody took away come
 * back, those that somebody added stay; an object whose autoupdate annotation is `false` is left alone.
 */
export function planBootstrapPolicy(reader: ClusterReader): PolicyAction[] {
  const roleActions = (role: ClusterRole | Role, existing: ClusterRole | Role | undefined) => planRole(role, existing)
  return [
    ...CLUSTER_ROLES.flatMap((role) => roleActions(role, reader.get('ClusterRole', { name: role.metadata.name }))),
    ...CLUSTER_ROLE_BINDINGS.flatMap((binding) => planBinding(binding, reader.get('ClusterRoleBinding', binding.metadata))),
    ...ROLES.flatMap((role) => roleActions(role, reader.get('Role', role.metadata))),
    ...ROLE_BINDINGS.flatMap((binding) => planBinding(binding, reader.get('RoleBinding', binding.metadata))),
  ]
}

const isProtected = (existing: PolicyObject): boolean => existing.metadata.annotations?.[AUTOUPDATE] === 'false'

export function planRole(wanted: ClusterRole | Role, existing: ClusterRole | Role | undefined): PolicyAction[] {
  if (!existing) return [{ do: 'create', object: structuredClone(wanted) }]
  if (isProtected(existing)) return []
  const aggregation = 'aggregationRule' in wanted ? wanted.aggregationRule : undefined
  // The rules of an aggregated role are its controller's.
  const missing = aggregation ? [] : uncoveredRules(existing.rules ?? [], wanted.rules ?? [])
  const owed = aggregation && !hasSelectors(existing, aggregation.clusterRoleSelectors ?? [])
  if (missing.length === 0 && !owed && hasMetadata(existing, wanted)) return []
  const object = withMetadata(existing, wanted)
  if (missing.length > 0) object.rules = [...(existing.rules ?? []), ...rulesOf(wanted, missing)]
  if (owed) Object.assign(object, { aggregationRule: structuredClone(aggregation) })
  return [{ do: 'update', object }]
}

/** Whole rules of the wanted role, not the atoms they were compared by, so that the role stays readable. */
const rulesOf = (wanted: ClusterRole | Role, missing: readonly PolicyRule[]): PolicyRule[] =>
  structuredClone((wanted.rules ?? []).filter((rule) => uncoveredRules([rule], missing).length < missing.length))

function hasSelectors(existing: ClusterRole | Role, wanted: readonly unknown[]): boolean {
  const selectors = 'aggregationRule' in existing ? (existing.aggregationRule?.clusterRoleSelectors ?? []) : []
  const present = new Set(selectors.map((selector) => JSON.stringify(selector)))
  return wanted.every((selector) => present.has(JSON.stringify(selector)))
}

export function planBinding(
  wanted: ClusterRoleBinding | RoleBinding,
  existing: ClusterRoleBinding | RoleBinding | undefined,
): PolicyAction[] {
  if (!existing) return [{ do: 'create', object: structuredClone(wanted) }]
  if (isProtected(existing)) return []
  if (existing.roleRef.kind !== wanted.roleRef.kind || existing.roleRef.name !== wanted.roleRef.name) {
    return [{ do: 'replace', object: structuredClone(wanted), existing }]
  }
  const present = new Set((existing.subjects ?? []).map(subjectKey))
  const missing = (wanted.subjects ?? []).filter((subject) => !present.has(subjectKey(subject)))
  if (missing.length === 0 && hasMetadata(existing, wanted)) return []
  const object = withMetadata(existing, wanted)
  if (missing.length > 0) object.subjects = [...(existing.subjects ?? []), ...structuredClone(missing)]
  return [{ do: 'update', object }]
}

const subjectKey = ({ kind, name, namespace = '' }: RbacSubject): string => `${kind}\0${namespace}\0${name}`

function hasMetadata(existing: PolicyObject, wanted: PolicyObject): boolean {
  const has = (present: Record<string, string> = {}, asked: Record<string, string> = {}) =>
    Object.keys(asked).every((key) => present[key] === asked[key])
  return has(existing.metadata.labels, wanted.metadata.labels) && has(existing.metadata.annotations, wanted.metadata.annotations)
}

function withMetadata<T extends PolicyObject>(existing: T, wanted: PolicyObject): T {
  const object = structuredClone(existing)
  object.metadata.labels = { ...object.metadata.labels, ...wanted.metadata.labels }
  object.metadata.annotations = { ...object.metadata.annotations, ...wanted.metadata.annotations }
  return object
}
