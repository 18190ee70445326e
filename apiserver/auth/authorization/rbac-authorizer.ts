/** RBAC as an index: grants by their subjects, roles by their names, kept current by watch events. */
import type { ClusterRole, PolicyRule, Role, RoleBinding, RoleRef } from '../../../api/generated/types.ts'
import type { KindName } from '../../../api/kinds.ts'
import { keyOf, type KubeObject } from '../../../api/object.ts'
import { aggregate } from '../../../api/status.ts'
import { createRbacGrants, type Grant } from './rbac-grants.ts'
import { ruleAllows } from './rbac-rules.ts'
import type { Authorizer, Decision, RequestAttributes, UserInfo } from '../user.ts'

export interface RbacAuthorizer extends Authorizer {
  rulesFor(user: UserInfo, namespace: string): { rules: PolicyRule[]; errors: string[] }
  rulesOfRole(roleRef: RoleRef, namespace: string): PolicyRule[] | undefined
  onChange(kind: KindName, object: KubeObject, deleted: boolean): void
}

export function createRbacAuthorizer(): RbacAuthorizer {
  const clusterRoles = new Map<string, PolicyRule[]>()
  const roles = new Map<string, PolicyRule[]>()
  const grants = createRbacGrants()

  const rulesOfRole = (roleRef: RoleRef, namespace: string): PolicyRule[] | undefined =>
    roleRef.kind === 'ClusterRole' ? clusterRoles.get(roleRef.name) : roles.get(`${namespace}/${roleRef.name}`)

  function authorize(request: RequestAttributes): Decision {
    let allowedBy: Grant | undefined
    let missing: string[] | undefined
    grants.some(request.user, request.namespace, (grant) => {
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
    grants.some(user, namespace, ({ roleRef, namespace: own }) => {
      const found = rulesOfRole(roleRef, own)
      if (found) rules.push(...found)
      else errors.push(notFoundRole(roleRef))
      return false
    })
    return { rules, errors }
  }

  return {
    authorize,
    rulesFor,
    rulesOfRole,
    onChange(kind, object, deleted) {
      switch (kind) {
        case 'ClusterRole':
          return putRole(clusterRoles, object as ClusterRole, deleted)
        case 'Role':
          return putRole(roles, object as Role, deleted)
        case 'ClusterRoleBinding':
        case 'RoleBinding':
          return deleted ? grants.remove(object as RoleBinding) : grants.put(object as RoleBinding)
        default:
          return undefined
      }
    },
  }
}

function putRole(roles: Map<string, PolicyRule[]>, role: ClusterRole | Role, deleted: boolean): void {
  if (deleted) roles.delete(keyOf(role))
  else roles.set(keyOf(role), role.rules ?? [])
}

const notFoundRole = ({ kind, name }: RoleRef): string =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`
