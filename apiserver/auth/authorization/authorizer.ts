/** What the API server decides with: system:masters, then the Node authorizer, then RBAC; the first that allows wins. */
import type { PolicyRule, RoleRef } from '../../../api/generated/types.ts'
import type { KindName } from '../../../api/kinds.ts'
import type { KubeObject } from '../../../api/object.ts'
import type { ClusterReader } from '../../admission/plugin.ts'
import { createNodeAuthorizer } from './node-authorizer.ts'
import { createRbacAuthorizer } from './rbac-authorizer.ts'
import { MASTERS } from '../service-account-user.ts'
import type { Authorizer, Decision, RequestAttributes, UserInfo } from '../user.ts'

export interface Rules {
  rules: PolicyRule[]
  /** The list may lack something: why is in `errors`. */
  incomplete: boolean
  errors: string[]
}

/** An authorizer whose knowledge is an index that watch events keep current. */
export interface ClusterAuthorizer extends Authorizer {
  /** Everything that the user may do in the namespace; with '' at cluster scope. Masters' by their role, as upstream. */
  rulesFor(user: UserInfo, namespace: string): Rules
  /** The rules of the role that a binding refers to; undefined when there is no such role. `namespace` is the binding's. */
  rulesOfRole(roleRef: RoleRef, namespace: string): PolicyRule[] | undefined
  /** Hand over every event of the kinds in AUTHORIZATION_KINDS, the initial list as added ones. Cheap for what does not matter. */
  onChange(kind: KindName, object: KubeObject, change: 'ADDED' | 'MODIFIED' | 'DELETED'): void
}

/** The kinds whose events an authorizer must hear of. */
export const AUTHORIZATION_KINDS = ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'Pod'] as const

const isMaster = (user: UserInfo): boolean => user.groups.includes(MASTERS)

/** `reader` answers what is too rare to index: claims, volumes, attachments. */
export function createClusterAuthorizer(reader: ClusterReader): ClusterAuthorizer {
  const rbac = createRbacAuthorizer()
  const nodes = createNodeAuthorizer(reader)
  return {
    authorize(attributes: RequestAttributes): Decision {
      if (isMaster(attributes.user)) return { allowed: true, reason: '' }
      const node = nodes.authorize(attributes)
      if (node.allowed) return node
      const decision = rbac.authorize(attributes)
      if (decision.allowed || node.reason === '') return decision
      return { allowed: false, reason: [node.reason, decision.reason].filter((reason) => reason !== '').join(', ') }
    },
    rulesFor(user, namespace) {
      const { rules, errors } = rbac.rulesFor(user, namespace)
      const isNode = nodes.isNode(user)
      return {
        rules,
        incomplete: isNode || errors.length > 0,
        errors: isNode ? ['node authorizer does not support user rule resolution', ...errors] : errors,
      }
    },
    rulesOfRole: (roleRef, namespace) => rbac.rulesOfRole(roleRef, namespace),
    onChange(kind, object, change) {
      if (kind === 'Pod') nodes.onPodChange(object, change === 'DELETED')
      else rbac.onChange(kind, object, change === 'DELETED')
    },
  }
}
