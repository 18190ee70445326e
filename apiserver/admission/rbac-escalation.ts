/**
 * RBAC escalation: nobody grants rights that they do not have, unless they may `escalate` the role or `bind` to it. Upstream
 * does this in the storage of roles and bindings; here it is the last word of admission, so no plugin can undo it.
 */
import type { ClusterRole, PolicyRule, Role, RoleBinding } from '../../api/generated/types.ts'
import { notFound } from '../../api/status.ts'
import { compactRules, describeRule, quoteAll, uncoveredRules } from '../auth/authorization/rbac-rules.ts'
import { MASTERS } from '../auth/service-account-user.ts'
import type { RequestAttributes } from '../auth/user.ts'
import { sameJson } from '../resources/rules/same-json.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'
import { refuse } from './refuse.ts'

const GROUP = 'rbac.authorization.k8s.io'
const EVERYTHING: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

export const rbacEscalation: AdmissionPlugin = {
  name: 'RBACEscalation',
  handles: ({ group, operation, subresource, user }) =>
    group === GROUP && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '' && !user.groups.includes(MASTERS),
  validate(attributes, context) {
    if (onlyForGarbageCollection(attributes)) return
    if (attributes.resource === 'roles' || attributes.resource === 'clusterroles') checkRole(attributes, context)
    else checkBinding(attributes, context)
  },
}

/** Owners and finalizers alone: the collector may write those on what it could not grant. */
function onlyForGarbageCollection({ object, oldObject }: AdmissionAttributes): boolean {
  if (!object || !oldObject) return false
  const compared = ({ metadata, ...rest }: typeof object) => ({
    ...rest,
    metadata: {
      ...metadata,
      ownerReferences: undefined,
      finalizers: undefined,
      managedFields: undefined,
      resourceVersion: undefined,
    },
  })
  return sameJson(compared(object), compared(oldObject))
}

function checkRole(attributes: AdmissionAttributes, context: AdmissionContext): void {
  const role = attributes.object as ClusterRole | Role
  const { resource, name, namespace } = attributes
  if (isAllowed(attributes, context, { verb: 'escalate', resource, name: name || role.metadata.name, namespace })) return
  confirmHeld(attributes, context, role.rules ?? [])
  const versions = [role, attributes.oldObject] as (ClusterRole | undefined)[]
  const aggregates = versions.some((version) => version?.aggregationRule?.clusterRoleSelectors?.length)
  // A selector can gather anything, now or later.
  if (aggregates && missingRules(attributes, context, EVERYTHING).length > 0) {
    throw refuse(attributes, 'must have cluster-admin privileges to use the aggregationRule')
  }
}

function checkBinding(attributes: AdmissionAttributes, context: AdmissionContext): void {
  const { roleRef } = attributes.object as RoleBinding
  const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
  const { namespace } = attributes
  if (isAllowed(attributes, context, { verb: 'bind', resource, name: roleRef.name, namespace })) return
  const rules = context.authorizer.rulesOfRole(roleRef, namespace)
  if (!rules) throw notFound(GROUP, roleRef.kind.toLowerCase(), roleRef.name)
  confirmHeld(attributes, context, rules)
}

type Question = Pick<RequestAttributes, 'verb' | 'resource' | 'name' | 'namespace'>

const isAllowed = ({ user }: AdmissionAttributes, { authorizer }: AdmissionContext, question: Question): boolean =>
  authorizer.authorize({
    user,
    apiGroup: GROUP,
    apiVersion: '*',
    subresource: '',
    path: '',
    isResourceRequest: true,
    ...question,
  }).allowed

const missingRules = (
  { user, namespace }: AdmissionAttributes,
  { authorizer }: AdmissionContext,
  wanted: readonly PolicyRule[],
) => uncoveredRules(authorizer.rulesFor(user, namespace).rules, wanted)

function confirmHeld(attributes: AdmissionAttributes, context: AdmissionContext, rules: readonly PolicyRule[]): void {
  const missing = missingRules(attributes, context, rules)
  if (missing.length === 0) return
  const { user, namespace } = attributes
  const { errors } = context.authorizer.rulesFor(user, namespace)
  const described = [...new Set(compactRules(missing).map(describeRule))].sort().join('\n')
  const who = `user ${JSON.stringify(user.username)} (groups=${quoteAll(user.groups)})`
  const why = `${who} is attempting to grant RBAC permissions not currently held:\n${described}`
  throw refuse(attributes, errors.length > 0 ? `${why}; resolution errors: [${errors.join(', ')}]` : why)
}
