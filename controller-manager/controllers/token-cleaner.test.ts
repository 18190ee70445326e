import { expect, it } from 'vitest'
import { createModel } from '../model.ts'
import { tokenCleaner } from './token-cleaner.ts'

it.each([
  ['2025-12-31T23:59:59Z', 0],
  ['2026-01-01T00:01:00Z', 1],
  ['nonsense', 0],
])('a bootstrap token that ends %s leaves %i', (expiration, left) => {
  const model = createModel([tokenCleaner])
  const data = { expiration: Buffer.from(expiration).toString('base64') }
  model.add('Secret', { metadata: { namespace: 'kube-system', name: 't' }, type: 'bootstrap.kubernetes.io/token', data })
  model.settle(tokenCleaner)
  expect(model.list('Secret')).toHaveLength(left)
})
