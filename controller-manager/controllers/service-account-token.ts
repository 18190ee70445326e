/**
 * Token secrets of service accounts, the kind that never expires.
 *
 * A secret of type `kubernetes.io/service-account-token` that a person makes gets its token, CA and namespace, and goes with its
 * account. With `legacy` every account also gets such a secret of its own, as before v1.24: clients of that time wait for it.
 */
import { createHash, createPrivateKey, sign as signBytes, type KeyObject } from 'node:crypto'
import type { Secret, ServiceAccount } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'

const TYPE = 'kubernetes.io/service-account-token'
const NAME = 'kubernetes.io/service-account.name'
const UID = 'kubernetes.io/service-account.uid'
const ISSUER = 'kubernetes/serviceaccount'
/** Not the issuer's name, though close to it. */
const CLAIM = 'kubernetes.io/serviceaccount'
const ACCOUNT_INDEX = 'serviceAccount'

export interface TokenSettings {
  /** Claims to a signed token. */
  sign: (claims: Record<string, string>) => string
  rootCa: string
  /** Make a secret for every account. */
  legacy: boolean
}

/** Signs with an RSA key, or with one on a NIST curve, as the API server does. */
export function createSigner(privateKey: string): TokenSettings['sign'] {
  const key = createPrivateKey(privateKey)
  const { algorithm, hash } = algorithmOf(key)
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return (claims) => {
    const text = `${encode({ alg: algorithm, typ: 'JWT' })}.${encode(claims)}`
    const signature = signBytes(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
    return `${text}.${signature.toString('base64url')}`
  }
}

const CURVES: Record<string, { algorithm: string; hash: string }> = {
  prime256v1: { algorithm: 'ES256', hash: 'sha256' },
  secp384r1: { algorithm: 'ES384', hash: 'sha384' },
  secp521r1: { algorithm: 'ES512', hash: 'sha512' },
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): { algorithm: string; hash: string } {
  if (asymmetricKeyType === 'rsa') return { algorithm: 'RS256', hash: 'sha256' }
  const curve = CURVES[asymmetricKeyDetails?.namedCurve ?? '']
  if (!curve) throw new Error(`Cannot sign tokens with a key of type ${asymmetricKeyType}: use RSA or a NIST curve`)
  return curve
}

/** `namespace/account` that a token secret belongs to. */
export const accountOf = ({ type, metadata: { namespace, annotations } }: Secret): string | undefined =>
  type === TYPE && annotations?.[NAME] ? `${namespace}/${annotations[NAME]}` : undefined

export function createServiceAccountToken(settings: TokenSettings): Controller<'ServiceAccount', Secret[]> {
  return {
    name: 'serviceaccount-token-controller',
    for: 'ServiceAccount',
    watches: [{ kind: 'Secret', wakes: (secret: Secret) => [accountOf(secret)].filter((key) => key !== undefined) }],
    indexes: { Secret: { [ACCOUNT_INDEX]: (secret: Secret) => [accountOf(secret)].filter((key) => key !== undefined) } },
    observe: (account, cache) => cache.of('Secret').byIndex(ACCOUNT_INDEX, keyOf(account)),
    reconcile: (account, secrets) => reconcile(account, secrets, settings),
  }
}

export function reconcile(account: ServiceAccount, secrets: readonly Secret[], settings: TokenSettings): Action[] {
  if (account.metadata.deletionTimestamp) return []
  const own = secrets.filter(({ metadata }) => (metadata.annotations?.[UID] ?? account.metadata.uid) === account.metadata.uid)
  const stale = secrets.filter((secret) => !own.includes(secret))
  return [
    ...stale.map(({ metadata: { namespace, name, uid } }): Action => ({
      do: 'delete',
      kind: 'Secret',
      key: { namespace, name },
      uid,
    })),
    ...own.flatMap((secret) => fill(account, secret, settings)),
    ...(settings.legacy ? legacySecret(account, own, settings) : []),
  ]
}

/** What a person's secret lacks; what is there already stays. */
function fill(account: ServiceAccount, secret: Secret, settings: TokenSettings): Action[] {
  const wanted = contents(account, secret.metadata.name, settings)
  const missing = Object.entries(wanted).filter(([field]) => !secret.data?.[field])
  if (missing.length === 0 && secret.metadata.annotations?.[UID]) return []
  const { namespace, name } = secret.metadata
  const patch = { metadata: { annotations: { [UID]: account.metadata.uid } }, data: Object.fromEntries(missing) }
  return [{ do: 'patch', kind: 'Secret', key: { namespace, name }, type: 'application/merge-patch+json', patch }]
}

function legacySecret(account: ServiceAccount, own: readonly Secret[], settings: TokenSettings): Action[] {
  const { namespace, name, uid, resourceVersion } = account.metadata
  const listed = account.secrets ?? []
  const isThere = (secretName: string | undefined) => own.some(({ metadata }) => metadata.name === secretName)
  if (listed.some((reference) => isThere(reference.name))) return []
  const prefix = `${name.slice(0, 200)}-token-`
  const secretName = prefix + suffixOf(`${uid}/${resourceVersion}`)
  const left = listed.filter((reference) => !reference.name?.startsWith(prefix) || isThere(reference.name))
  const create: Action = {
    do: 'create',
    kind: 'Secret',
    existsOk: true,
    object: {
      metadata: {
        name: secretName,
        namespace,
        annotations: { [NAME]: name, [UID]: uid },
        // Its account's end is its own; the collector sees to it.
        ownerReferences: [{ apiVersion: 'v1', kind: 'ServiceAccount', name, uid }],
      },
      type: TYPE,
      data: contents(account, secretName, settings),
    } as never,
  }
  const refer: Action = {
    do: 'patch',
    kind: 'ServiceAccount',
    key: { namespace, name },
    type: 'application/merge-patch+json',
    patch: { metadata: { uid, resourceVersion }, secrets: [...left, { name: secretName }] },
  }
  return isThere(secretName) ? [refer] : [create, refer]
}

function contents(account: ServiceAccount, secretName: string, { sign, rootCa }: TokenSettings): Record<string, string> {
  const { namespace = '', name, uid } = account.metadata
  const claims = {
    iss: ISSUER,
    sub: `system:serviceaccount:${namespace}:${name}`,
    [`${CLAIM}/namespace`]: namespace,
    [`${CLAIM}/secret.name`]: secretName,
    [`${CLAIM}/service-account.name`]: name,
    [`${CLAIM}/service-account.uid`]: uid,
  }
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return { token: base64(sign(claims)), 'ca.crt': base64(rootCa), namespace: base64(namespace) }
}

/**
 * The same for the same version of an account, so that a second attempt finds the first one's secret; another when somebody has
 * taken the secret or the reference away, since both then count as revoked.
 */
const suffixOf = (version: string): string => {
  const letters = 'bcdfghjklmnpqrstvwxz2456789'
  return [...createHash('sha256').update(version).digest().subarray(0, 5)].map((byte) => letters[byte % letters.length]).join('')
}
