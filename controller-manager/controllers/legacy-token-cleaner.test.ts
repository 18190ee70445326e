import { expect, it } from 'vitest'
import { createModel } from '../model.ts'
import { createLegacyTokenCleaner, tokenTracking } from './legacy-token-cleaner.ts'

const dayMs = 24 * 3_600_000
const invalidSince = 'kubernetes.io/legacy-token-invalid-since'
const lastUsed = 'kubernetes.io/legacy-token-last-used'

interface Scene {
  listed?: boolean
  tracked?: string | null
  labels?: Record<string, string>
  mounted?: boolean
}

/** The model's clock starts on the first of January 2026; a year is the period. */
function scene({ listed = true, tracked = '2024-01-01', labels = {}, mounted = false }: Scene) {
  const cleaner = createLegacyTokenCleaner(365 * dayMs)
  const model = createModel([cleaner])
  const creationTimestamp = '2023-05-01T00:00:00Z'
  const namespace = 'default'
  model.add('ServiceAccount', { metadata: { namespace, name: 'robot' }, secrets: listed ? [{ name: 'robot-token' }] : [] })
  model.add('Secret', {
    type: 'kubernetes.io/service-account-token',
    metadata: {
      namespace,
      name: 'robot-token',
      creationTimestamp,
      labels,
      annotations: { 'kubernetes.io/service-account.name': 'robot' },
    },
  })
  if (tracked) model.add('ConfigMap', { metadata: { namespace: 'kube-system', name: tokenTracking }, data: { since: tracked } })
  if (mounted) {
    const volumes = [{ name: 'token', secret: { secretName: 'robot-token' } }]
    model.add('Pod', { metadata: { namespace, name: 'user' }, spec: { containers: [], volumes } })
  }
  model.settle(cleaner)
  const secret = model.get('Secret', 'default/robot-token')
  return secret === undefined ? 'deleted' : (secret.metadata.labels?.[invalidSince] ?? 'valid')
}

it.each<[string, Scene, string]>([
  ['unused for a year is marked invalid today', {}, '2026-01-01'],
  ['used within the year stays', { labels: { [lastUsed]: '2025-06-01' } }, 'valid'],
  ['that a person made stays', { listed: false }, 'valid'],
  ['that a pod mounts stays', { mounted: true }, 'valid'],
  ['whose use is not tracked stays', { tracked: null }, 'valid'],
  ['whose use has not been tracked for a year stays', { tracked: '2025-03-01' }, 'valid'],
  ['that has been invalid for less than a year stays invalid', { labels: { [invalidSince]: '2025-06-01' } }, '2025-06-01'],
  ['that has been invalid for a year is deleted', { labels: { [invalidSince]: '2024-06-01' } }, 'deleted'],
  ['with an invalid mark that is no date is marked anew', { labels: { [invalidSince]: 'soon' } }, '2026-01-01'],
])('a token %s', (_, given, expected) => {
  expect(scene(given)).toBe(expected)
})
