import { expect, it } from 'vitest'
import { createTestClock } from '../../component/clock.ts'
import { openBench, record, taken, testObject } from '../../test/store/store-bench.ts'
import { storeSuite } from '../../test/store/store-suite.ts'
import { MemoryStore } from './memory-store.ts'

storeSuite('the memory store', () => {
  const store = new MemoryStore()
  return Promise.resolve({
    store,
    other: store,
    compact: (revision) => Promise.resolve(store.compact(revision)),
    withWindow: (windowEvents) => Promise.resolve(new MemoryStore({ windowEvents })),
    close: () => store.stop(),
  })
})

it('lets objects go when their time to live is over, unless they were written again without one', async () => {
  const clock = createTestClock()
  const store = new MemoryStore({ clock })
  const { prefix, key } = openBench(store)
  const { events } = record(store, prefix, store.revision())
  taken(await store.create(key('short'), testObject('short'), { ttlSeconds: 10 }))
  const kept = taken(await store.create(key('kept'), testObject('kept'), { ttlSeconds: 10 }))
  taken(await store.update(key('kept'), testObject('kept', { count: 1 }), kept.revision))
  await clock.advance(10_000)
  expect(store.list(prefix).map(({ name }) => name)).toEqual(['kept'])
  expect(events.map(({ type, entry }) => `${type} ${entry.name}`).at(-1)).toBe('DELETED short')
})
