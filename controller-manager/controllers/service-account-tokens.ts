/** Service account tokens in secrets: who asks for one by a secret of that type gets it, and loses it with the account. */
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import type { Secret, ServiceAccount } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { mergePatch, remove } from '../status-patch.ts'

export const tokenSecretType = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

export type SignToken = (claims: Record<string, unknown>) => string

const tokenIndex = {
  serviceAccount: ({ type, metadata }: Secret): readonly string[] =>
    type === tokenSecretType ? [`${metadata.namespace}/${metadata.annotations?.[nameAnnotation]}`] : [],
}

export const createServiceAccountTokensController = (
  signToken: SignToken,
  rootCa: string,
): Controller<'Secret', ServiceAccount | undefined> => ({
  name: 'serviceaccount-token-controller',
  for: 'Secret',
  watches: [
    {
      kind: 'ServiceAccount',
      wakes: (account: ServiceAccount, cache) => cache.of('Secret').byIndex('serviceAccount', keyOf(account)).map(keyOf),
    },
  ],
  indexes: { Secret: tokenIndex },
  observe: ({ metadata }, cache) => {
    const name = metadata.annotations?.[nameAnnotation]
    return name ? cache.of('ServiceAccount').get({ namespace: metadata.namespace, name }) : undefined
  },
  reconcile: (secret, account) => reconcile(secret, account, signToken, rootCa),
})

export function reconcile(secret: Secret, account: ServiceAccount | undefined, signToken: SignToken, rootCa: string): Action[] {
  const { namespace = '', name, annotations = {}, deletionTimestamp } = secret.metadata
  if (secret.type !== tokenSecretType || deletionTimestamp || !annotations[nameAnnotation]) return []
  const claimedUid = annotations[uidAnnotation]
  // Without a UID it was never filled: its account may only come after it. With one, the account is gone for good.
  if (!account) return claimedUid ? [remove(secret)] : []
  if (claimedUid && claimedUid !== account.metadata.uid) return [remove(secret)]
  const wanted: Record<string, string> = { 'ca.crt': base64(rootCa), namespace: base64(namespace) }
  const data: Record<string, string> = {}
  for (const [field, value] of Object.entries(wanted)) if (secret.data?.[field] !== value) data[field] = value
  if (!secret.data?.['token']) data['token'] = base64(signToken(claimsFor(account, name)))
  if (Object.keys(data).length === 0 && claimedUid) return []
  return [mergePatch(secret, { data, metadata: { annotations: { [uidAnnotation]: account.metadata.uid } } })]
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** As upstream before bound tokens: no end, good as long as account and secret exist. */
function claimsFor({ metadata: { namespace, name, uid } }: ServiceAccount, secretName: string): Record<string, unknown> {
  const claim = (what: string) => `kubernetes.io/serviceaccount/${what}`
  return {
    iss: 'kubernetes/serviceaccount',
    [claim('namespace')]: namespace,
    [claim('secret.name')]: secretName,
    [claim('service-account.name')]: name,
    [claim('service-account.uid')]: uid,
    sub: `system:serviceaccount:${namespace}:${name}`,
  }
}

/** Signs as the API server does, so that it takes the token for one of its own. */
export function createTokenSigner(privateKeyPem: string): SignToken {
  const key = createPrivateKey(privateKeyPem)
  const { alg, digest } = algorithmOf(key)
  const kid = createHash('sha256')
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return (claims) => {
    const body = `${encode({ alg, kid })}.${encode(claims)}`
    return `${body}.${sign(digest, Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
}

function algorithmOf(key: KeyObject): { alg: string; digest: string } {
  if (key.asymmetricKeyType === 'rsa') return { alg: 'RS256', digest: 'sha256' }
  const sizes: Record<string, string> = { prime256v1: '256', secp384r1: '384', secp521r1: '512' }
  const size = sizes[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (!size) throw new Error(`Cannot sign tokens with a key of type ${key.asymmetricKeyType}: use RSA or a NIST curve`)
  return { alg: `ES${size}`, digest: `sha${size}` }
}
