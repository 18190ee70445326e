import { expect, test } from 'vitest'
import type { Entry } from '../storage/store.ts'
import { createListBodies } from './list-bodies.ts'

test('the bytes of a list are joined once while its entries stay the same', () => {
  const bodies = createListBodies()
  const entries = Array.from({ length: 3 }, () => ({ bytes: Buffer.from(`"${'x'.repeat(40_000)}"`) })) as unknown as Entry[]
  const first = bodies.join('pods', entries)
  expect(bodies.join('pods', [...entries])).toBe(first)
  expect(bodies.join('pods', entries.slice(1))).not.toBe(first)
  expect(JSON.parse(`{"items":[${first.toString()}`)).toMatchObject({ items: expect.any(Array) as unknown })
})
