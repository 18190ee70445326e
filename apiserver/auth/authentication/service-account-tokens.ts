/** Service-account tokens: signing them for TokenRequest, and telling whom one that comes in still speaks for. */
import { createHash, createPrivateKey, createPublicKey, randomUUID, type KeyObject } from 'node:crypto'
import { compactVerify, SignJWT } from 'jose'
import type { KubeObject, ObjectKey } from '../../../api/object.ts'
import type { ClusterReader } from '../../admission/plugin.ts'
import { INVALID_SINCE } from './legacy-token-tracking.ts'
import { serviceAccountGroups, serviceAccountUsername, splitServiceAccountUsername } from '../service-account-user.ts'
import type { UserInfo } from '../user.ts'

export interface ServiceAccountTokensOptions {
  /** `--service-account-issuer`: the first signs, all are accepted. */
  issuers: readonly [string, ...string[]]
  /** `--api-audiences`: what a token must be meant for to be good here. Default: the issuers. */
  audiences?: readonly string[]
  /** PEM of `--service-account-signing-key-file`. */
  signingKey: string
  /** PEMs of `--service-account-key-file`, private or public: tokens signed by any of them are good. */
  verifyingKeys?: readonly string[]
  reader: ClusterReader
  /** Hears of each token that was good: `legacy` ones never end, `stale` ones are used after their pod should have read the next. */
  onUsed?: ((kind: 'legacy' | 'stale' | 'valid', secret?: ObjectKey) => void) | undefined
  now?: () => Date
}

export interface BoundObject {
  kind: 'Pod' | 'Secret' | 'Node'
  name: string
  uid: string
}

export interface TokenToIssue {
  serviceAccount: { namespace: string; name: string; uid: string }
  audiences: readonly string[]
  expirationSeconds: number
  /** After so many seconds its use is worth a warning, though it is still good. */
  warnAfterSeconds?: number | undefined
  boundTo?: BoundObject | undefined
  /** The node of the pod that it is bound to. */
  node?: { name: string; uid: string } | undefined
}

export interface VerifiedToken {
  user: UserInfo
  /** Those of the token that were asked for. */
  audiences: string[]
}

export interface VerifyingKey {
  key: KeyObject
  id: string
  algorithm: string
}

export interface ServiceAccountTokens {
  issue(token: TokenToIssue): Promise<string>
  /**
   * Undefined when it is no token of ours to judge. Throws an Error that says why a token of ours is not good (any more).
   * A signature is verified once; that the account and what the token is bound to still exist, every time.
   */
  verify(token: string, audiences?: readonly string[]): Promise<VerifiedToken | undefined>
  /** What is good here when nothing else is asked for. */
  audiences: readonly string[]
  issuer: string
  /** For the JWKS document. */
  keys: readonly VerifyingKey[]
}

const LEGACY_ISSUER = 'kubernetes/serviceaccount'
const LEGACY = 'kubernetes.io/serviceaccount/'
/** Objects that are being deleted are good for this long: clocks differ, and a pod may use its token while it stops. */
const LEEWAY = 60_000
const CACHE_SIZE = 20_000

export function createServiceAccountTokens(options: ServiceAccountTokensOptions): ServiceAccountTokens {
  const now = options.now ?? (() => new Date())
  const signing = { ...describeKey(createPublicKey(options.signingKey)), private: createPrivateKey(options.signingKey) }
  const keys = distinctKeys(
    [options.signingKey, ...(options.verifyingKeys ?? [])].map((pem) => describeKey(createPublicKey(pem))),
  )
  const issuer = options.issuers[0]
  const audiences = options.audiences?.length ? options.audiences : options.issuers
  const verified = new Map<string, Claims>()

  async function claimsOf(token: string): Promise<Claims | undefined> {
    const known = verified.get(token)
    if (known) return known
    const unverified = decodePayload(token)
    const claimed = unverified?.iss
    if (typeof claimed !== 'string' || !(claimed === LEGACY_ISSUER || options.issuers.includes(claimed))) return undefined
    const claims = toClaims(await verifySignature(token, keys))
    // The oldest goes first: tokens live for an hour, so what is in use comes back.
    if (verified.size >= CACHE_SIZE) verified.delete(verified.keys().next().value!)
    verified.set(token, claims)
    return claims
  }

  return {
    audiences,
    issuer,
    keys,
    async issue(token) {
      const jwt = new SignJWT(payloadOf(token, issuer, now())).setProtectedHeader({ alg: signing.algorithm, kid: signing.id })
      return jwt.sign(signing.private)
    },
    async verify(token, wanted = audiences) {
      const claims = await claimsOf(token)
      if (!claims) return undefined
      const own = claims.legacy ? audiences : claims.audiences
      const common = own.filter((audience) => wanted.includes(audience))
      if (common.length === 0) {
        throw new Error(`token audiences ${quote(own)} is invalid for the target audiences ${quote(wanted)}`)
      }
      checkTime(claims, now())
      checkExists(claims, token, options.reader, now())
      if (claims.legacy !== undefined) options.onUsed?.('legacy', { namespace: claims.namespace, name: claims.legacy })
      else options.onUsed?.(claims.warnAfter < now().getTime() ? 'stale' : 'valid')
      return { user: claims.user, audiences: common }
    },
  }
}

const quote = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`

/** Upstream's key id: a hash of the public key, so that every API server gives the same key the same name. */
function describeKey(key: KeyObject): VerifyingKey {
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  return { key, id, algorithm: algorithmOf(key) }
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return 'RS256'
  const algorithms: Record<string, string> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }
  const curve = key.asymmetricKeyDetails?.namedCurve ?? ''
  const algorithm = key.asymmetricKeyType === 'ec' ? algorithms[curve] : undefined
  if (!algorithm)
    throw new Error(`Cannot sign tokens with a key of type ${key.asymmetricKeyType} ${curve}: use RSA or a NIST curve`)
  return algorithm
}

const distinctKeys = (keys: readonly VerifyingKey[]): VerifyingKey[] => [...new Map(keys.map((key) => [key.id, key])).values()]

function decodePayload(token: string): Record<string, unknown> | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString())
    return typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : undefined
  } catch {
    // Three words with dots between them, and not a JWT: somebody else's token.
    return undefined
  }
}

async function verifySignature(token: string, keys: readonly VerifyingKey[]): Promise<Record<string, unknown>> {
  const header = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString()) as { kid?: string }
  const named = keys.filter(({ id }) => id === header.kid)
  for (const { key, algorithm } of named.length > 0 ? named : keys) {
    try {
      const { payload } = await compactVerify(token, key, { algorithms: [algorithm] })
      return JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>
    } catch {
      // Not signed by this key: the next one may have.
    }
  }
  throw new Error('the signature of the token could not be verified')
}

function payloadOf(token: TokenToIssue, issuer: string, now: Date): Record<string, unknown> {
  const { namespace, name, uid } = token.serviceAccount
  const seconds = Math.floor(now.getTime() / 1000)
  const bound = token.boundTo && { [token.boundTo.kind.toLowerCase()]: { name: token.boundTo.name, uid: token.boundTo.uid } }
  return {
    aud: token.audiences,
    exp: seconds + token.expirationSeconds,
    iat: seconds,
    iss: issuer,
    jti: randomUUID(),
    'kubernetes.io': {
      namespace,
      ...(token.node && { node: token.node }),
      ...bound,
      serviceaccount: { name, uid },
      ...(token.warnAfterSeconds && { warnafter: seconds + token.warnAfterSeconds }),
    },
    nbf: seconds,
    sub: serviceAccountUsername(namespace, name),
  }
}

interface Reference {
  name: string
  uid: string
}

/** What a verified token says, in the form that every use of it checks. */
interface Claims {
  user: UserInfo
  audiences: readonly string[]
  notBefore: number
  expires: number
  /** When its use begins to be worth a warning; never for one that ends then. */
  warnAfter: number
  namespace: string
  account: Reference
  pod: Reference | undefined
  secret: Reference | undefined
  node: Reference | undefined
  /** The name of the secret that holds a token of the old kind, which never expires. */
  legacy: string | undefined
}

function toClaims(payload: Record<string, unknown>): Claims {
  return payload.iss === LEGACY_ISSUER ? toLegacyClaims(payload) : toBoundClaims(payload)
}

function toBoundClaims(payload: Record<string, unknown>): Claims {
  const own = (payload['kubernetes.io'] ?? {}) as Record<string, unknown>
  const namespace = typeof own.namespace === 'string' ? own.namespace : ''
  const account = referenceIn(own.serviceaccount) ?? { name: '', uid: '' }
  const [pod, secret, node] = [own.pod, own.secret, own.node].map(referenceIn)
  const extra: Record<string, string[]> = {
    ...(typeof payload.jti === 'string' && { 'authentication.kubernetes.io/credential-id': [`JTI=${payload.jti}`] }),
    ...(node && {
      'authentication.kubernetes.io/node-name': [node.name],
      'authentication.kubernetes.io/node-uid': [node.uid],
    }),
    ...(pod && {
      'authentication.kubernetes.io/pod-name': [pod.name],
      'authentication.kubernetes.io/pod-uid': [pod.uid],
    }),
  }
  return {
    user: userFor(namespace, account, extra),
    audiences: [payload.aud ?? []].flat().map(String),
    notBefore: Number(payload.nbf ?? 0) * 1000,
    expires: Number(payload.exp ?? 0) * 1000,
    warnAfter: Number(own.warnafter ?? Number.POSITIVE_INFINITY) * 1000,
    namespace,
    account,
    pod,
    secret,
    node,
    legacy: undefined,
  }
}

function toLegacyClaims(payload: Record<string, unknown>): Claims {
  const claim = (name: string, called: string): string => {
    const value = payload[`${LEGACY}${name}`]
    if (typeof value !== 'string' || value === '') throw new Error(`${called} claim is missing`)
    return value
  }
  const namespace = claim('namespace', 'namespace')
  const legacy = claim('secret.name', 'secretName')
  const account = {
    name: claim('service-account.name', 'serviceAccountName'),
    uid: claim('service-account.uid', 'serviceAccountUID'),
  }
  const subject = splitServiceAccountUsername(typeof payload.sub === 'string' ? payload.sub : '')
  if (subject?.namespace !== namespace || subject.name !== account.name) throw new Error('sub claim is invalid')
  return {
    user: userFor(namespace, account, {}),
    audiences: [],
    notBefore: 0,
    expires: Number.POSITIVE_INFINITY,
    warnAfter: Number.POSITIVE_INFINITY,
    namespace,
    account,
    pod: undefined,
    secret: undefined,
    node: undefined,
    legacy,
  }
}

const userFor = (namespace: string, account: Reference, extra: Record<string, string[]>): UserInfo => ({
  username: serviceAccountUsername(namespace, account.name),
  uid: account.uid,
  groups: serviceAccountGroups(namespace),
  ...(Object.keys(extra).length > 0 && { extra }),
})

function referenceIn(value: unknown): Reference | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { name, uid } = value as Partial<Reference>
  return { name: String(name ?? ''), uid: String(uid ?? '') }
}

function checkTime({ expires, notBefore }: Claims, now: Date): void {
  if (now.getTime() > expires + LEEWAY) throw new Error('service account token has expired')
  if (now.getTime() < notBefore - LEEWAY) throw new Error('service account token is not valid yet')
}

function checkExists(claims: Claims, token: string, reader: ClusterReader, now: Date): void {
  const { namespace, account, pod, secret, node, legacy } = claims
  const serviceAccount = reader.get('ServiceAccount', { namespace, name: account.name })
  if (!serviceAccount) throw new Error(`serviceaccounts ${JSON.stringify(account.name)} not found`)
  if (isGone(serviceAccount, now)) throw new Error(`service account ${namespace}/${account.name} has been deleted`)
  if (serviceAccount.metadata.uid !== account.uid) {
    throw new Error(`service account UID (${serviceAccount.metadata.uid}) does not match claim (${account.uid})`)
  }
  if (legacy !== undefined) checkLegacySecret(namespace, legacy, token, reader)
  if (secret) checkBound('Secret', reader.get('Secret', { namespace, name: secret.name }), secret, now)
  if (pod) checkBound('Pod', reader.get('Pod', { namespace, name: pod.name }), pod, now)
  // With a pod the node is only told, not bound to: the pod may outlive its node's object.
  if (node && !pod) checkBound('Node', reader.get('Node', { name: node.name }), node, now)
}

function checkBound(kind: string, found: KubeObject | undefined, { uid }: Reference, now: Date): void {
  if (!found || isGone(found, now)) throw new Error('service account token has been invalidated')
  if (found.metadata.uid !== uid) throw new Error(`${kind} UID (${found.metadata.uid}) does not match claim (${uid})`)
}

const isGone = ({ metadata: { deletionTimestamp } }: KubeObject, now: Date): boolean =>
  deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < now.getTime() - LEEWAY

function checkLegacySecret(namespace: string, name: string, token: string, reader: ClusterReader): void {
  const secret = reader.get('Secret', { namespace, name })
  if (!secret || secret.metadata.deletionTimestamp) throw new Error('service account token has been invalidated')
  if (secret.data?.token !== Buffer.from(token).toString('base64')) {
    throw new Error("service account token does not match server's copy")
  }
  if (secret.metadata.labels?.[INVALID_SINCE] !== undefined) {
    throw new Error(
      `the token in ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based ` +
        `tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`,
    )
  }
}
