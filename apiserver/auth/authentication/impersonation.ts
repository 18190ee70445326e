/** Acting as somebody else: `Impersonate-*` headers, each part of them subject to the `impersonate` verb. */
import { ApiError } from '../../../api/status.ts'
import { forbiddenRequest } from '../authorization/forbidden-request.ts'
import { fromHeader } from './header-text.ts'
import {
  ALL_AUTHENTICATED,
  ALL_UNAUTHENTICATED,
  ANONYMOUS,
  serviceAccountGroups,
  splitServiceAccountUsername,
} from '../service-account-user.ts'
import type { Authorizer, RequestAttributes, RequestHeaders, UserInfo } from '../user.ts'

const EXTRA_PREFIX = 'impersonate-extra-'

export const isImpersonating = (headers: RequestHeaders): boolean => {
  for (const name in headers) if (name.startsWith('impersonate-')) return true
  return false
}

/**
 * The user to go on as: `requestor` unless the headers ask for another. Throws 403 when one part of it is not allowed.
 * `headers` as `headersDistinct` has them: groups and extras repeat. Cheap without impersonation headers.
 */
export function impersonate(requestor: UserInfo, headers: RequestHeaders, authorizer: Authorizer): UserInfo {
  if (!isImpersonating(headers)) return requestor
  const username = valuesOf(headers, 'impersonate-user')[0] ?? ''
  const groups = valuesOf(headers, 'impersonate-group')
  const uid = valuesOf(headers, 'impersonate-uid')[0] ?? ''
  const extra = extrasOf(headers)
  const asked = partsOf(username, groups, uid, extra)
  if (asked.length === 0) return requestor
  if (!username) throw withoutUser(asked)

  for (const part of asked) {
    const attributes: RequestAttributes = {
      user: requestor,
      verb: 'impersonate',
      apiVersion: '',
      subresource: '',
      namespace: '',
      path: '',
      isResourceRequest: true,
      ...part,
    }
    const decision = authorizer.authorize(attributes)
    if (!decision.allowed) throw forbiddenRequest(attributes, decision.reason)
  }
  return {
    username,
    ...(uid && { uid }),
    groups: groupsFor(username, groups),
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

type Part = Pick<RequestAttributes, 'resource' | 'apiGroup' | 'name'> &
  Partial<Pick<RequestAttributes, 'namespace' | 'subresource'>>

function partsOf(username: string, groups: readonly string[], uid: string, extra: Record<string, readonly string[]>): Part[] {
  const account = splitServiceAccountUsername(username)
  const authentication = { apiGroup: 'authentication.k8s.io', apiVersion: 'v1' }
  return [
    ...(account ? [{ resource: 'serviceaccounts', apiGroup: '', name: account.name, namespace: account.namespace }] : []),
    ...(username && !account ? [{ resource: 'users', apiGroup: '', name: username }] : []),
    ...groups.map((name) => ({ resource: 'groups', apiGroup: '', name })),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((name) => ({ ...authentication, resource: 'userextras', subresource: key, name })),
    ),
    ...(uid ? [{ ...authentication, resource: 'uids', name: uid }] : []),
  ]
}

function groupsFor(username: string, asked: readonly string[]): string[] {
  const account = splitServiceAccountUsername(username)
  const groups = asked.length === 0 && account ? serviceAccountGroups(account.namespace) : [...asked]
  const kind = username === ANONYMOUS ? ALL_UNAUTHENTICATED : ALL_AUTHENTICATED
  const known = username === ANONYMOUS ? [ALL_UNAUTHENTICATED] : [ALL_AUTHENTICATED, ALL_UNAUTHENTICATED]
  return groups.some((group) => known.includes(group)) ? groups : [...groups, kind]
}

function extrasOf(headers: RequestHeaders): Record<string, string[]> {
  const extras = Object.keys(headers)
    .filter((name) => name.startsWith(EXTRA_PREFIX))
    .map((name): [string, string[]] => [unescapeKey(name.slice(EXTRA_PREFIX.length)), valuesOf(headers, name)])
  // Not by assignment: one may be called __proto__.
  return Object.fromEntries(extras.filter(([, values]) => values.length > 0))
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    // Kept as it came, so that what was asked for is what gets authorized.
    return key
  }
}

export function valuesOf(headers: RequestHeaders, name: string): string[] {
  const value = headers[name]
  if (value === undefined || value === '') return []
  return [value]
    .flat()
    .filter((one) => one !== '')
    .map(fromHeader)
}

const withoutUser = (parts: readonly Part[]): ApiError => {
  const asked = parts.map(({ resource, name }) => `${resource} ${JSON.stringify(name)}`).join(' ')
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `requested [${asked}] without impersonating a user`,
    reason: 'InternalError',
    code: 500,
  })
}
