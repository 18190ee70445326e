/** Who is asking: front-proxy headers, a client certificate, a bearer token; else nobody known. */
import { unauthorized } from '../../../api/status.ts'
import type { ClusterReader } from '../../admission/plugin.ts'
import { userOfBootstrapToken } from './bootstrap-tokens.ts'
import { userOfRequestHeaders, type RequestHeaderOptions } from './request-header-user.ts'
import { ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS } from '../service-account-user.ts'
import type { ServiceAccountTokens } from './service-account-tokens.ts'
import type { Authenticator, PeerCertificate, RequestHeaders, UserInfo } from '../user.ts'

export interface AuthenticatorOptions {
  tokens: ServiceAccountTokens
  reader: ClusterReader
  /** From `parseStaticTokens`. */
  staticTokens?: ((token: string) => UserInfo | undefined) | undefined
  /** Absent: no front proxy is believed. */
  requestHeaders?: RequestHeaderOptions | undefined
  /** `--anonymous-auth`: what system:anonymous may see (health and version) is RBAC's to say. Default true. */
  anonymous?: boolean
  /** Hears why credentials were refused: the answer never says. */
  onRefused?: (why: string) => void
  now?: () => Date
}

export interface TokenAuthenticator {
  /**
   * For TokenReview and bearer tokens. Undefined when nobody knows the token; throws an Error that says why a known one is
   * not good. Without `audiences`: the API server's own.
   */
  authenticateToken(token: string, audiences?: readonly string[]): Promise<{ user: UserInfo; audiences: string[] } | undefined>
}

const anonymousUser: UserInfo = { username: ANONYMOUS, groups: [ALL_UNAUTHENTICATED] }

export function createAuthenticator(options: AuthenticatorOptions): Authenticator & TokenAuthenticator {
  const now = options.now ?? (() => new Date())
  const { tokens, reader } = options
  const byCertificate = new WeakMap<PeerCertificate, UserInfo>()
  // One object for one user of one token: nothing is copied on the way of a request.
  const authenticated = new WeakMap<UserInfo, UserInfo>()

  function refuse(why: string): never {
    options.onRefused?.(why)
    throw unauthorized()
  }

  const isUsers = ({ authority = 'client', validTo }: PeerCertificate): boolean =>
    authority === 'client' && !(validTo && validTo < now())

  function withGroups(user: UserInfo): UserInfo {
    let known = authenticated.get(user)
    if (!known) authenticated.set(user, (known = withAuthenticated(user)))
    return known
  }

  function userOfCertificate(certificate: PeerCertificate): UserInfo | undefined {
    if (!isUsers(certificate)) return undefined
    let user = byCertificate.get(certificate)
    if (!user) byCertificate.set(certificate, (user = toUser(certificate)))
    return user.username === '' ? undefined : user
  }

  async function authenticateToken(token: string, audiences?: readonly string[]) {
    const user = options.staticTokens?.(token) ?? userOfBootstrapToken(token, reader, now())
    if (!user) {
      const verified = await tokens.verify(token, audiences)
      return verified && { user: withGroups(verified.user), audiences: verified.audiences }
    }
    // Tokens that carry no audience are meant for this server.
    const common = audiences ? tokens.audiences.filter((audience) => audiences.includes(audience)) : [...tokens.audiences]
    if (common.length === 0) return undefined
    return { user: withAuthenticated(user), audiences: common }
  }

  async function userOfBearer(token: string): Promise<UserInfo> {
    let why = ''
    try {
      const found = await authenticateToken(token)
      if (found) return found.user
    } catch (error) {
      why = (error as Error).message
    }
    return refuse(why ? `[invalid bearer token, ${why}]` : 'invalid bearer token')
  }

  return {
    authenticateToken,
    async authenticate({ headers, certificate }) {
      const proxied = options.requestHeaders && userOfRequestHeaders(headers, certificate, options.requestHeaders)
      if (proxied) return withAuthenticated(proxied)
      const byCertificate = certificate && userOfCertificate(certificate)
      if (byCertificate) return byCertificate
      const token = bearerToken(headers)
      if (token !== undefined) return userOfBearer(token)
      // Whoever shows a certificate is not anonymous, also when it is worth nothing.
      if (certificate && !isUsers(certificate))
        refuse(`the certificate of ${certificate.commonName} is not a user's, or has expired`)
      return options.anonymous === false ? undefined : anonymousUser
    },
  }
}

function withAuthenticated(user: UserInfo): UserInfo {
  if (user.groups.includes(ALL_AUTHENTICATED) || user.groups.includes(ALL_UNAUTHENTICATED)) return user
  return { ...user, groups: [...user.groups, user.username === ANONYMOUS ? ALL_UNAUTHENTICATED : ALL_AUTHENTICATED] }
}

const toUser = ({ commonName, organizations, fingerprint }: PeerCertificate): UserInfo => ({
  username: commonName,
  groups: [...organizations.filter((group) => group !== ALL_AUTHENTICATED), ALL_AUTHENTICATED],
  ...(fingerprint && { extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] } }),
})

const PROTOCOL_PREFIX = 'base64url.bearer.authorization.k8s.io.'

/** From `Authorization`, or from the subprotocol list by which browsers send a token with a WebSocket. */
export function bearerToken(headers: RequestHeaders): string | undefined {
  const { authorization: given = '' } = headers
  const authorization = typeof given === 'string' ? given : (given[0] ?? '')
  if (authorization.length > 7 && authorization.slice(0, 7).toLowerCase() === 'bearer ') {
    const token = authorization.slice(7).trim()
    return token === '' ? undefined : token
  }
  for (const protocol of [headers['sec-websocket-protocol'] ?? []].flat().flatMap((value) => value.split(','))) {
    const name = protocol.trim()
    if (name.startsWith(PROTOCOL_PREFIX)) return Buffer.from(name.slice(PROTOCOL_PREFIX.length), 'base64url').toString()
  }
  return undefined
}
