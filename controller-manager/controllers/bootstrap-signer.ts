/** Bootstrap signer: the public cluster-info says by which tokens it is vouched for, so that who has one can trust it. */
import { createHmac } from 'node:crypto'
import type { ConfigMap, Secret } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { bootstrapTokenType } from './token-cleaner.ts'

const namespace = 'kube-public'
export const clusterInfoName = 'cluster-info'
const clusterInfo = `${namespace}/${clusterInfoName}`
const signaturePrefix = 'jws-kubeconfig-'

const isToken = ({ metadata, type }: Secret): boolean => type === bootstrapTokenType && metadata.namespace === 'kube-system'

export const bootstrapSigner: Controller<'ConfigMap', Secret[]> = {
  name: 'bootstrap-signer-controller',
  for: 'ConfigMap',
  watches: [{ kind: 'Secret', wakes: (secret: Secret) => (isToken(secret) ? [clusterInfo] : []) }],
  indexes: { Secret: { bootstrapTokens: (secret: Secret): readonly string[] => (isToken(secret) ? ['yes'] : []) } },
  observe: (map, cache) => (keyOf(map) === clusterInfo ? cache.of('Secret').byIndex('bootstrapTokens', 'yes') : []),
  reconcile,
}

export function reconcile(map: ConfigMap, secrets: readonly Secret[], now: Date): Action[] {
  const kubeconfig = map.data?.['kubeconfig']
  if (keyOf(map) !== clusterInfo || kubeconfig === undefined || map.metadata.deletionTimestamp) return []
  const kept = Object.entries(map.data ?? {}).filter(([name]) => !name.startsWith(signaturePrefix))
  const tokens = secrets.flatMap((secret) => tokenOf(secret, now))
  const signed = tokens.map(({ id, secret }) => [signaturePrefix + id, signDetached(kubeconfig, id, secret)] as const)
  const data = Object.fromEntries([...kept, ...signed])
  const ends = tokens.flatMap(({ endsAt }) => (endsAt === undefined ? [] : [endsAt - now.getTime()]))
  const signedMap: ConfigMap = { ...map, data }
  const update: Action[] = semanticEqual(data, map.data) ? [] : [{ do: 'update', kind: 'ConfigMap', object: signedMap }]
  return ends.length > 0 ? [...update, { do: 'requeue', afterMs: Math.min(...ends) }] : update
}

/** Nothing for one that is not for signing, does not fit its name, or is over. */
function tokenOf({ metadata, data = {} }: Secret, now: Date): { id: string; secret: string; endsAt?: number }[] {
  const read = (field: string) => Buffer.from(data[field] ?? '', 'base64').toString()
  const id = read('token-id')
  const secret = read('token-secret')
  if (!id || !secret || metadata.name !== `bootstrap-token-${id}` || metadata.deletionTimestamp) return []
  if (read('usage-bootstrap-signing') !== 'true') return []
  const expiration = read('expiration')
  if (!expiration) return [{ id, secret }]
  const endsAt = Date.parse(expiration)
  return endsAt > now.getTime() ? [{ id, secret, endsAt }] : []
}

/** A JWS without its content, which stands beside it. */
function signDetached(content: string, id: string, secret: string): string {
  const encode = (text: string) => Buffer.from(text).toString('base64url')
  const header = encode(JSON.stringify({ alg: 'HS256', kid: id }))
  const signature = createHmac('sha256', secret)
    .update(`${header}.${encode(content)}`)
    .digest('base64url')
  return `${header}..${signature}`
}
