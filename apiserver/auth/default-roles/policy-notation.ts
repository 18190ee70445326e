/** A short notation for default roles: `rule('get list', 'apps', 'deployments replicasets')`. Words are split at blanks. */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacSubject, Role, RoleBinding } from '../../../api/generated/types.ts'

/** What every default object carries; without the annotation's `true` an object is left as its owner wants it. */
const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
export const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate'
const API_GROUP = 'rbac.authorization.k8s.io'

export const READ = 'get list watch'
export const WRITE = 'create delete deletecollection patch update'
export const READ_WRITE = `${READ} ${WRITE}`
/** The core group in a list of groups: an empty word cannot stand in one. */
export const CORE = 'core'

const words = (text: string): string[] => text.split(' ')

/** Lists come out sorted, as upstream writes them. */
export function rule(verbs: string, groups: string, resources: string, names?: string): PolicyRule {
  return {
    apiGroups: words(groups)
      .map((group) => (group === CORE ? '' : group))
      .sort(),
    resources: words(resources).sort(),
    verbs: words(verbs).sort(),
    ...(names && { resourceNames: words(names).sort() }),
  }
}

export const urls = (paths: string): PolicyRule => ({ nonResourceURLs: words(paths).sort(), verbs: ['get'] })

export const events = rule('create patch update', `${CORE} events.k8s.io`, 'events')

const metadata = (name: string, labels: Record<string, string> = {}) => ({
  name,
  labels: { ...LABELS, ...labels },
  annotations: { [AUTOUPDATE]: 'true' },
})

/** An object that has no UID and time yet: `metadata` is completed when it is stored. */
const unborn = <T>(object: unknown): T => object as T

export const clusterRole = (name: string, rules: PolicyRule[], labels?: Record<string, string>): ClusterRole =>
  unborn({ apiVersion: `${API_GROUP}/v1`, kind: 'ClusterRole', metadata: metadata(name, labels), rules })

/** A role whose rules are those of all roles with this label; a controller fills them in. */
export const aggregatedRole = (name: string, by: string, labels?: Record<string, string>): ClusterRole =>
  unborn({
    ...clusterRole(name, [], labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateTo(by)]: 'true' } }] },
  })

export const aggregateTo = (name: string): string => `${API_GROUP}/aggregate-to-${name}`

export const role = (namespace: string, name: string, rules: PolicyRule[]): Role =>
  unborn({ apiVersion: `${API_GROUP}/v1`, kind: 'Role', metadata: { ...metadata(name), namespace }, rules })

export const user = (name: string): RbacSubject => ({ apiGroup: API_GROUP, kind: 'User', name })
export const group = (name: string): RbacSubject => ({ apiGroup: API_GROUP, kind: 'Group', name })
export const account = (name: string, namespace = 'kube-system'): RbacSubject => ({ kind: 'ServiceAccount', name, namespace })

export const clusterBinding = (name: string, subjects: RbacSubject[], roleName = name): ClusterRoleBinding =>
  unborn({
    apiVersion: `${API_GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: metadata(name),
    roleRef: { apiGroup: API_GROUP, kind: 'ClusterRole', name: roleName },
    ...(subjects.length > 0 && { subjects }),
  })

export const binding = (namespace: string, name: string, subjects: RbacSubject[], roleName = name): RoleBinding =>
  unborn({
    apiVersion: `${API_GROUP}/v1`,
    kind: 'RoleBinding',
    metadata: { ...metadata(name), namespace },
    roleRef: { apiGroup: API_GROUP, kind: 'Role', name: roleName },
    subjects,
  })
