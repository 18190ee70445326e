import { describe, expect, it } from 'vitest'
import type { ResourceQuota } from '../../api/generated/types.ts'
import { createResourceQuotaController, mayBeUncounted } from './resource-quota.ts'

const quota = (hard: string, status?: { hard: string; used: string }): ResourceQuota => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q', namespace: 'shop', uid: 'q' },
  spec: { hard: { pods: hard } },
  ...(status && { status: { hard: { pods: status.hard }, used: { pods: status.used } } }),
})

describe('a quota', () => {
  const { wakesOn } = createResourceQuotaController({} as never)

  it.each([
    ['admission counted one more', quota('2', { hard: '2', used: '1' }), quota('2', { hard: '2', used: '0' }), false],
    ['its limit was changed', quota('3', { hard: '2', used: '1' }), quota('2', { hard: '2', used: '1' }), true],
    ['its status was lost', quota('2'), quota('2', { hard: '2', used: '1' }), true],
  ])('is counted anew only when nobody else keeps the count: %s', (_, now, before, expected) => {
    expect(wakesOn!(now, before)).toBe(expected)
  })
})

it.each([
  ['came before it', '2026-01-01T00:00:00Z', true],
  ['came with it, as the quota itself', '2026-01-01T00:00:01Z', true],
  ['came later, through admission', '2026-01-01T00:00:02Z', false],
])('a quota is counted anew when an object appears that %s', (_, creationTimestamp, expected) => {
  const made = { ...quota('1'), metadata: { ...quota('1').metadata, creationTimestamp: '2026-01-01T00:00:01Z' } }
  const object = { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's', namespace: 'shop', uid: 's', creationTimestamp } }
  expect(mayBeUncounted(object, made)).toBe(expected)
})
