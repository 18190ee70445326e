/** Bootstrap tokens: `abcdef.0123456789abcdef` from a secret in kube-system, for a node that is to join. */
import { timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../../api/generated/types.ts'
import { parseTime } from '../../../api/time.ts'
import type { ClusterReader } from '../../admission/plugin.ts'
import type { UserInfo } from '../user.ts'

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/** The user behind a bootstrap token; undefined when it is none, or not a good one. */
export function userOfBootstrapToken(token: string, reader: ClusterReader, now: Date): UserInfo | undefined {
  const [, id, secretPart] = TOKEN.exec(token) ?? []
  if (id === undefined || secretPart === undefined) return undefined
  const secret = reader.get('Secret', { namespace: 'kube-system', name: `bootstrap-token-${id}` })
  if (!secret || secret.metadata.deletionTimestamp || secret.type !== 'bootstrap.kubernetes.io/token') return undefined
  if (field(secret, 'token-id') !== id || !isSame(field(secret, 'token-secret'), secretPart)) return undefined
  if (field(secret, 'usage-bootstrap-authentication') !== 'true' || isExpired(secret, now)) return undefined
  const extra = extraGroups(secret)
  return extra && { username: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...extra] }
}

/** Undefined when one of them is not a bootstrapper's: as upstream, a token that asks for it is none at all. */
function extraGroups(secret: Secret): string[] | undefined {
  const text = field(secret, 'auth-extra-groups')
  const groups = text === '' ? [] : text.split(',')
  return groups.every((group) => GROUP.test(group)) ? groups : undefined
}

const field = (secret: Secret, key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()

function isExpired(secret: Secret, now: Date): boolean {
  const expiration = field(secret, 'expiration')
  if (expiration === '') return false
  try {
    return parseTime(expiration) <= now.getTime()
  } catch {
    // What cannot be read as a time does not make a token last for ever.
    return true
  }
}

export function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}
