/** Token cleaner: bootstrap tokens go when their time is over. */
import type { Secret } from '../../api/generated/types.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { remove } from '../status-patch.ts'

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token'

export const tokenCleaner: Controller<'Secret', null> = {
  name: 'token-cleaner-controller',
  for: 'Secret',
  observe: () => null,
  reconcile: (secret, _, now) => reconcile(secret, now),
}

export function reconcile(secret: Secret, now: Date): Action[] {
  if (secret.type !== bootstrapTokenType || secret.metadata.namespace !== 'kube-system' || secret.metadata.deletionTimestamp)
    return []
  const expiration = secret.data?.['expiration']
  if (!expiration) return []
  const end = Date.parse(Buffer.from(expiration, 'base64').toString())
  // What cannot be read must not be good for ever.
  if (Number.isNaN(end) || end <= now.getTime()) return [remove(secret)]
  return [{ do: 'requeue', afterMs: end - now.getTime() }]
}
