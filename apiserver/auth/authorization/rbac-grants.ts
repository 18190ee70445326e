/** Bindings by their subjects: who was granted which role, in the cluster and in each namespace. */
import type { ClusterRoleBinding, RbacSubject, RoleBinding, RoleRef } from '../../../api/generated/types.ts'
import { keyOf } from '../../../api/object.ts'
import { serviceAccountUsername } from '../service-account-user.ts'
import type { UserInfo } from '../user.ts'

type Binding = ClusterRoleBinding | RoleBinding

/** One binding as one of its subjects meets it. */
export interface Grant {
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

export interface RbacGrants {
  /** The binding as it is now, in the place of what was known of it. */
  put(binding: Binding): void
  remove(binding: Binding): void
  /** Calls `visit` with each grant that the user has there, those for the whole cluster first, until it answers true. */
  some(user: UserInfo, namespace: string, visit: (grant: Grant) => boolean): boolean
}

export function createRbacGrants(): RbacGrants {
  const cluster = newScope()
  const namespaces = new Map<string, Scope>()
  /** What each binding put into the scopes, to take it out again. */
  const placed = new Map<string, (() => void)[]>()

  function scopeOf(namespace: string): Scope {
    if (namespace === '') return cluster
    let scope = namespaces.get(namespace)
    if (!scope) namespaces.set(namespace, (scope = newScope()))
    return scope
  }

  function takeOut(key: string): void {
    for (const remove of placed.get(key) ?? []) remove()
    placed.delete(key)
  }

  return {
    put(binding) {
      const key = keyOf(binding)
      takeOut(key)
      const { namespace = '' } = binding.metadata
      const scope = scopeOf(namespace)
      const places = (binding.subjects ?? []).flatMap((subject) => {
        const target = targetOf(subject, namespace)
        if (!target) return []
        const grant = { binding: key, roleRef: binding.roleRef, namespace, reason: reasonFor(binding, namespace, subject) }
        return [placeGrant(target.of === 'user' ? scope.users : scope.groups, target.name, grant)]
      })
      placed.set(key, places)
    },
    remove(binding) {
      takeOut(keyOf(binding))
      const { namespace = '' } = binding.metadata
      const scope = namespaces.get(namespace)
      if (scope && scope.users.size === 0 && scope.groups.size === 0) namespaces.delete(namespace)
    },
    some(user, namespace, visit) {
      if (someGrantIn(cluster, user, visit)) return true
      const scope = namespace === '' ? undefined : namespaces.get(namespace)
      return scope !== undefined && someGrantIn(scope, user, visit)
    },
  }
}

const newScope = (): Scope => ({ users: new Map(), groups: new Map() })

function someGrantIn({ users, groups }: Scope, user: UserInfo, visit: (grant: Grant) => boolean): boolean {
  if (users.get(user.username)?.some(visit)) return true
  for (const group of user.groups) if (groups.get(group)?.some(visit)) return true
  return false
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
