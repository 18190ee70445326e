/** The names under which service accounts and other fixed identities act. */

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

/** Undefined when the username is not that of a service account. */
export function splitServiceAccountUsername(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(PREFIX)) return undefined
  const parts = username.slice(PREFIX.length).split(':')
  const [namespace, name] = parts
  return parts.length === 2 && namespace && name ? { namespace, name } : undefined
}
