/**
 * Legacy service account token cleaner: token secrets that were made for accounts without being asked for, and that nobody has used
 * for a year, are first marked invalid, and deleted when nobody has missed them for another year.
 */
import type { ConfigMap, Pod, Secret, ServiceAccount } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { Cache } from '../../client/cache.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { mergePatch, remove } from '../status-patch.ts'
import { accountOf } from './service-account-token.ts'

/** The API server notes here since when it has marked the secrets whose tokens it sees. */
export const tokenTracking = 'kube-apiserver-legacy-service-account-token-tracking'
const lastUsedLabel = 'kubernetes.io/legacy-token-last-used'
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'
const dayMs = 24 * 3_600_000

export interface Observed {
  account: ServiceAccount | undefined
  mounted: boolean
  trackedSince: string | undefined
}

export function createLegacyTokenCleaner(periodMs: number): Controller<'Secret', Observed> {
  const mounts = ({ metadata, spec }: Pod): string[] =>
    (spec.volumes ?? []).flatMap(({ secret }) => (secret?.secretName ? [`${metadata.namespace}/${secret.secretName}`] : []))
  return {
    name: 'legacy-serviceaccount-token-cleaner-controller',
    for: 'Secret',
    watches: [
      {
        kind: 'ConfigMap',
        wakes: (map: ConfigMap, cache: Cache) =>
          map.metadata.name === tokenTracking ? cache.of('Secret').list().filter(accountOf).map(keyOf) : [],
      },
    ],
    reads: ['ServiceAccount', 'Pod'],
    indexes: { Pod: { mountedSecret: mounts } },
    observe(secret, cache) {
      const account = accountOf(secret)
      return {
        account: account === undefined ? undefined : cache.of('ServiceAccount').get(account),
        mounted: cache.of('Pod').byIndex('mountedSecret', keyOf(secret)).length > 0,
        trackedSince: cache.of('ConfigMap').get({ namespace: 'kube-system', name: tokenTracking })?.data?.['since'],
      }
    },
    reconcile: (secret, observed, now) => reconcile(secret, observed, now, periodMs),
  }
}

export function reconcile(secret: Secret, { account, mounted, trackedSince }: Observed, now: Date, periodMs: number): Action[] {
  // One that a person made is not in the account's list: it is theirs to delete.
  const automatic = account?.secrets?.some(({ name }) => name === secret.metadata.name)
  if (!automatic || secret.metadata.deletionTimestamp) return []
  // Without use being tracked for the whole period, silence proves nothing.
  if (trackedSince === undefined || Number.isNaN(Date.parse(trackedSince))) return []
  const known = [trackedSince, secret.metadata.labels?.[lastUsedLabel], secret.metadata.creationTimestamp]
  const quietSince = Math.max(...known.map((date) => (date === undefined ? -Infinity : Date.parse(date) || 0)))
  // Dates have no time of day: the day itself does not count.
  const end = quietSince + dayMs + periodMs
  if (end > now.getTime()) return [{ do: 'requeue', afterMs: end - now.getTime() }]
  // Whoever mounts it may use it at any time; the next look is tomorrow.
  if (mounted) return [{ do: 'requeue', afterMs: dayMs }]
  const invalidSince = Date.parse(secret.metadata.labels?.[invalidSinceLabel] ?? '')
  if (Number.isNaN(invalidSince)) {
    return [mergePatch(secret, { metadata: { labels: { [invalidSinceLabel]: now.toISOString().slice(0, 10) } } })]
  }
  const deletion = invalidSince + dayMs + periodMs
  return deletion > now.getTime() ? [{ do: 'requeue', afterMs: deletion - now.getTime() }] : [remove(secret)]
}
