import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { StoredEntry } from './entry.ts'
import { SortedSlots, type Slot } from './sorted-slots.ts'

it('is in the order of keys after whatever came and went, without doubles', () => {
  const step = fc.record({ key: fc.integer({ min: 0, max: 30 }).map(String), add: fc.boolean(), list: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const slots = new SortedSlots()
      const known = new Map<string, Slot>()
      const model = new Set<string>()
      for (const { key, add, list } of steps) {
        const slot = known.get(key) ?? { key, entry: {} as StoredEntry }
        known.set(key, slot)
        if (add && !model.has(key)) {
          slots.add(slot)
          model.add(key)
        } else if (!add) {
          slots.remove(slot)
          model.delete(key)
        }
        if (list) expect(slots.inOrder().map(({ key }) => key)).toEqual([...model].sort())
      }
      expect(slots.size).toBe(model.size)
      expect(slots.inOrder().map(({ key }) => key)).toEqual([...model].sort())
    }),
  )
})
