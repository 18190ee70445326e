/** Who a front proxy says is asking: believed only from a certificate of the front-proxy authority. */
import { valuesOf } from './impersonation.ts'
import type { PeerCertificate, RequestHeaders, UserInfo } from '../user.ts'

/** The `--requestheader-*` flags; header names in lower case. */
export interface RequestHeaderOptions {
  usernameHeaders: readonly string[]
  uidHeaders?: readonly string[]
  groupHeaders: readonly string[]
  extraHeadersPrefix: readonly string[]
  /** Common names that are believed; empty for every one that the authority signed. */
  allowedNames: readonly string[]
}

/** `header` in lower case. */
export const namesUser = (
  { usernameHeaders, uidHeaders = [], groupHeaders, extraHeadersPrefix }: RequestHeaderOptions,
  header: string,
): boolean =>
  [usernameHeaders, uidHeaders, groupHeaders].some((names) => names.includes(header)) ||
  extraHeadersPrefix.some((prefix) => header.startsWith(prefix))

export function userOfRequestHeaders(
  headers: RequestHeaders,
  certificate: PeerCertificate | undefined,
  options: RequestHeaderOptions,
): UserInfo | undefined {
  if (certificate?.authority !== 'front-proxy') return undefined
  if (options.allowedNames.length > 0 && !options.allowedNames.includes(certificate.commonName)) return undefined
  const first = (names: readonly string[] = []) => names.flatMap((name) => valuesOf(headers, name))[0]
  const username = first(options.usernameHeaders)
  if (!username) return undefined
  const uid = first(options.uidHeaders)
  const extra = extrasOf(headers, options.extraHeadersPrefix)
  return {
    username,
    ...(uid && { uid }),
    groups: options.groupHeaders.flatMap((name) => valuesOf(headers, name)),
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

function extrasOf(headers: RequestHeaders, prefixes: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(
    Object.keys(headers).flatMap((name): [string, string[]][] => {
      const prefix = prefixes.find((one) => name.startsWith(one))
      return prefix === undefined ? [] : [[decodeKey(name.slice(prefix.length)), valuesOf(headers, name)]]
    }),
  )
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    // As upstream: a key that is not escaped right is taken as it came.
    return key
  }
}
