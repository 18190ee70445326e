/** RBAC as an index: bindings by their subjects, roles by their names, kept current by watch events. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RbacSubject,
  Role,
  RoleBinding,
  RoleRef,
} from '../../api/generated/types.ts'
import type { KindName } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import { aggregate } from '../../api/status.ts'
import { ruleAllows } from './rbac-rules.ts'
import { serviceAccountUsername } from './service-account-user.ts'
import type { Authorizer, Decision, RequestAttributes, UserInfo } from './user.ts'

export interface RbacAuthorizer extends Authorizer {
  rulesFor(user: UserInfo, namespace: string): { rules: PolicyRule[]; errors: string[] }
  rulesOfRole(roleRef: RoleRef, namespace: string): PolicyRule[] | undefined
  onChange(kind: KindName, object: KubeObject, deleted: boolean): void
}

/** One binding as one of its subjects meets it. */
interface Grant {
  binding: string
  roleRef: RoleRef
  /** Empty for a ClusterRoleBinding. */
  namespace: string
  reason: string
}

/** Grants of one scope: the cluster's or a namespace's. */
interface Scope {
  users: Map<string, Grant[]>
  groups: Map<string, Grant[]>
}

export function createRbacAuthorizer(): RbacAuthorizer {
  const clusterRoles = new Map<string, PolicyRule[]>()
  const roles = new Map<string, PolicyRule[]>()
  const cluster = newScope()
  const namespaces = new Map<string, Scope>()
  /** What each binding put into the scopes, to take it out again. */
  const placed = new Map<string, (() => void)[]>()

  const rulesOfRole = (roleRef: RoleRef, namespace: string): PolicyRule[] | undefined =>
    roleRef.kind === 'ClusterRole' ? clusterRoles.get(roleRef.name) : roles.get(`${namespace}/${roleRef.name}`)

  /** Calls `visit` with each grant of the user until it answers true. */
  function someGrant(user: UserInfo, namespace: string, visit: (grant: Grant) => boolean): boolean {
    if (someGrantIn(cluster, user, visit)) return true
    const scope = namespace === '' ? undefined : namespaces.get(namespace)
    return scope !== undefined && someGrantIn(scope, user, visit)
  }

  function authorize(request: RequestAttributes): Decision {
    let allowedBy: Grant | undefined
    let missing: string[] | undefined
    someGrant(request.user, request.namespace, (grant) => {
      const rules = rulesOfRole(grant.roleRef, grant.namespace)
      if (rules === undefined) (missing ??= []).push(notFoundRole(grant.roleRef))
      else if (rules.some((rule) => ruleAllows(rule, request))) allowedBy = grant
      return allowedBy !== undefined
    })
    if (allowedBy) return { allowed: true, reason: allowedBy.reason }
    return { allowed: false, reason: missing ? `RBAC: ${aggregate(missing)}` : '' }
  }

  function rulesFor(user: UserInfo, namespace: string) {
    const rules: PolicyRule[] = []
    const errors: string[] = []
    someGrant(user, namespace, ({ roleRef, namespace: own }) => {
      const found = rulesOfRole(roleRef, own)
      if (found) rules.push(...found)
      else errors.push(notFoundRole(roleRef))
      return false
    })
    return { rules, errors }
  }

  function scopeOf(namespace: string): Scope {
    if (namespace === '') return cluster
    let scope = namespaces.get(namespace)
    if (!scope) namespaces.set(namespace, (scope = newScope()))
    return scope
  }

  function placeBinding(key: string, binding: ClusterRoleBinding | RoleBinding, deleted: boolean): void {
    for (const remove of placed.get(key) ?? []) remove()
    placed.delete(key)
    const namespace = binding.metadata.namespace ?? ''
    if (deleted) {
      const scope = namespaces.get(namespace)
      if (scope && scope.users.size === 0 && scope.groups.size === 0) namespaces.delete(namespace)
      return
    }
    const scope = scopeOf(namespace)
    placed.set(
      key,
      (binding.subjects ?? []).flatMap((subject) => {
        const target = targetOf(subject, namespace)
        if (!target) return []
        const grant = { binding: key, roleRef: binding.roleRef, namespace, reason: reasonFor(binding, namespace, subject) }
        return [placeGrant(target.of === 'user' ? scope.users : scope.groups, target.name, grant)]
      }),
    )
  }

  return {
    authorize,
    rulesFor,
    rulesOfRole,
    onChange(kind, object, deleted) {
      const { name, namespace = '' } = object.metadata
      switch (kind) {
        case 'ClusterRole':
          return putRole(clusterRoles, name, (object as ClusterRole).rules, deleted)
        case 'Role':
          return putRole(roles, `${namespace}/${name}`, (object as Role).rules, deleted)
        case 'ClusterRoleBinding':
          return placeBinding(name, object as ClusterRoleBinding, deleted)
        case 'RoleBinding':
          return placeBinding(`${namespace}/${name}`, object as RoleBinding, deleted)
        default:
          return undefined
      }
    },
  }
}

const newScope = (): Scope => ({ users: new Map(), groups: new Map() })

function someGrantIn({ users, groups }: Scope, user: UserInfo, visit: (grant: Grant) => boolean): boolean {
  if (users.get(user.username)?.some(visit)) return true
  for (const group of user.groups) if (groups.get(group)?.some(visit)) return true
  return false
}

function putRole(roles: Map<string, PolicyRule[]>, key: string, rules: PolicyRule[] | undefined, deleted: boolean): void {
  if (deleted) roles.delete(key)
  else roles.set(key, rules ?? [])
}

function placeGrant(subjects: Map<string, Grant[]>, name: string, grant: Grant): () => void {
  const grants = subjects.get(name)
  if (grants) grants.push(grant)
  else subjects.set(name, [grant])
  return () => {
    const left = (subjects.get(name) ?? []).filter((one) => one !== grant)
    if (left.length > 0) subjects.set(name, left)
    else subjects.delete(name)
  }
}

/** A service account without a namespace is one of the binding's own; in a ClusterRoleBinding it is nobody. */
function targetOf(subject: RbacSubject, bindingNamespace: string): { of: 'user' | 'group'; name: string } | undefined {
  switch (subject.kind) {
    case 'User':
      return { of: 'user', name: subject.name }
    case 'Group':
      return { of: 'group', name: subject.name }
    case 'ServiceAccount': {
      const namespace = subject.namespace || bindingNamespace
      return namespace ? { of: 'user', name: serviceAccountUsername(namespace, subject.name) } : undefined
    }
    default:
      return undefined
  }
}

function reasonFor({ metadata, roleRef }: RoleBinding | ClusterRoleBinding, namespace: string, subject: RbacSubject): string {
  const binding = namespace
    ? `RoleBinding ${JSON.stringify(`${metadata.name}/${namespace}`)}`
    : `ClusterRoleBinding ${JSON.stringify(metadata.name)}`
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? ''}` : subject.name
  return `RBAC: allowed by ${binding} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`
}

const notFoundRole = ({ kind, name }: RoleRef): string =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`
