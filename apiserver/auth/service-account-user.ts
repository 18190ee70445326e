/** The names under which service accounts and other fixed identities act. */
import type { UserInfo } from './user.ts'

export const ALL_AUTHENTICATED = 'system:authenticated'
export const ALL_UNAUTHENTICATED = 'system:unauthenticated'
export const MASTERS = 'system:masters'
export const NODES = 'system:nodes'
export const ANONYMOUS = 'system:anonymous'

const PREFIX = 'system:serviceaccount:'

export const serviceAccountUsername = (namespace: string, name: string): string => `${PREFIX}${namespace}:${name}`

export const serviceAccountGroups = (namespace: string): string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
]

export const toServiceAccountUser = (namespace: string, name: string): UserInfo => ({
  username: serviceAccountUsername(namespace, name),
  groups: [...serviceAccountGroups(namespace), ALL_AUTHENTICATED],
})

/** Undefined when the username is not that of a service account. */
export function splitServiceAccountUsername(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(PREFIX)) return undefined
  const parts = username.slice(PREFIX.length).split(':')
  const [namespace, name] = parts
  return parts.length === 2 && namespace && name ? { namespace, name } : undefined
}
