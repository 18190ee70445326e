/** Watches of a store: exactly what was committed, in order, from any revision that is still there. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { ApiError } from '../../api/status.ts'
import type { Store } from '../../apiserver/storage/store.ts'
import { line, openBench, record, taken, testObject, type TestObject } from './store-bench.ts'
import type { StoreUnderTest } from './store-suite.ts'

export function watchesSuite(opened: () => StoreUnderTest): void {
  describe('watches', () => {
    let under: StoreUnderTest
    let store: Store
    beforeAll(() => {
      under = opened()
      store = under.store
    })

    it('tell every change with the version before', async () => {
      const { prefix, key, create } = openBench(store)
      const { events } = record(store, prefix, await store.current())
      const first = await create('a', { nodeName: 'x' })
      const second = taken(await store.update(key('a'), testObject('a', { nodeName: 'y' }), first.revision))
      const gone = taken(await store.delete(key('a'), second.revision))
      await store.reached(gone.revision, 20_000)
      expect(events.map(line)).toEqual([
        `ADDED a@${first.revision}`,
        `MODIFIED a@${second.revision}`,
        `DELETED a@${gone.revision}`,
      ])
      expect(events.map(({ previous }) => previous?.fields['spec.nodeName'])).toEqual([undefined, 'x', 'y'])
      expect(events[2]!.entry.bytes).toEqual(gone.bytes)
      expect(events[2]!.entry.revision).toBe(gone.revision)
    })

    it('resume from every revision with exactly what came after it', async () => {
      const { prefix, key, create, change } = openBench(store)
      const start = await store.current()
      const live = record(store, prefix, start)
      for (const name of ['a', 'b', 'c']) await create(name)
      for (let count = 0; count < 5; count++) await change('b', (spec) => (spec.count = count))
      taken(await store.delete(key('c'), store.get(key('c'))!.revision))
      const end = await store.current()
      expect(live.events).toHaveLength(9)
      for (let from = start; from <= end; from++)
        expect(record(store, prefix, from).lines()).toEqual(live.events.filter(({ revision }) => revision > from).map(line))
    })

    it('see one namespace, one resource or everything, as the prefix says', async () => {
      const one = openBench(store)
      const two = openBench(store)
      const start = await store.current()
      await one.create('a', {}, 'left')
      await two.create('b')
      await one.create('c', {}, 'right')
      await store.current()
      const names = (prefix: string) => record(store, prefix, start).events.map(({ entry }) => entry.name)
      expect(names(`${one.prefix}left/`)).toEqual(['a'])
      expect(names(one.prefix)).toEqual(['a', 'c'])
      expect(names('/registry/')).toEqual(['a', 'b', 'c'])
    })

    it('of one value of an index see its objects come, change, move and go, and no others', async () => {
      const { prefix, key, create, change } = openBench(store)
      const start = await store.current()
      const live: string[] = []
      const index = { field: 'spec.nodeName', value: 'x' }
      const subscription = store.watch(prefix, start, { onEvent: (event) => live.push(line(event)) }, index)
      await create('other', { nodeName: 'y' })
      await create('a')
      const history: string[] = []
      history.push(`MODIFIED a@${(await change('a', (spec) => (spec.nodeName = 'x'))).revision}`)
      history.push(`MODIFIED a@${(await change('a', (spec) => (spec.count = 1))).revision}`)
      history.push(`MODIFIED a@${(await change('a', (spec) => (spec.nodeName = 'y'))).revision}`)
      await change('a', (spec) => (spec.count = 2))
      const second = await create('b', { nodeName: 'x' })
      history.push(`ADDED b@${second.revision}`, `DELETED b@${taken(await store.delete(key('b'), second.revision)).revision}`)
      await store.current()
      expect(live).toEqual(history)
      const late: string[] = []
      store.watch(prefix, start, { onEvent: (event) => late.push(line(event)) }, index).close()
      expect(late).toEqual(history)
      subscription.close()
      await create('c', { nodeName: 'x' })
      await store.current()
      expect(live).toEqual(history)
      expect(() => store.watch(prefix, start, { onEvent: () => {} }, { field: 'no.index', value: '' })).toThrowError(/no index/)
    })

    it('that start inside a handler miss nothing and double nothing', async () => {
      const { prefix, create } = openBench(store)
      const start = await store.current()
      const nested: ReturnType<typeof record>[] = []
      store.watch(prefix, start, { onEvent: () => nested.push(record(store, prefix, start)) })
      for (const name of ['a', 'b', 'c']) await create(name)
      await store.current()
      const whole = record(store, prefix, start).lines()
      expect(nested).toHaveLength(3)
      for (const { lines } of nested) expect(lines()).toEqual(whole)
    })

    it('hear nothing after close', async () => {
      const { prefix, create } = openBench(store)
      const { events, ends, close } = record(store, prefix, await store.current())
      close()
      await create('a')
      await store.current()
      expect([events, ends]).toEqual([[], []])
    })

    it('hear of revisions that were not theirs', async () => {
      const quiet = openBench(store)
      const busy = openBench(store)
      const from = await store.current()
      const heard = new Promise<number>((resolve) => {
        store.watch(quiet.prefix, from, { onEvent: () => {}, onRevision: resolve })
      })
      const { revision } = await busy.create('a')
      expect(await heard).toBeGreaterThanOrEqual(revision)
    })

    it('that throw end alone, with the reason', async () => {
      const { prefix, create } = openBench(store)
      const from = await store.current()
      const ends: ApiError[] = []
      const broken = () => {
        throw new Error('handler is broken')
      }
      store.watch(prefix, from, { onEvent: broken, onEnd: (end) => ends.push(end) })
      const sound = record(store, prefix, from)
      await create('a')
      await create('b')
      await store.current()
      expect(ends.map(({ code }) => code)).toEqual([500])
      expect(sound.events).toHaveLength(2)
    })

    it('cannot start below the window: 410 with both revisions', async () => {
      const small = await under.withWindow(5)
      try {
        const { prefix, create } = openBench(small)
        const start = await small.current()
        const revisions: number[] = []
        for (let count = 0; count < 8; count++) revisions.push((await create(`a${count}`)).revision)
        await small.current()
        expect(() => record(small, prefix, start)).toThrowError(
          expect.objectContaining({
            code: 410,
            reason: 'Expired',
            message: `too old resource version: ${start} (${revisions[2]})`,
          }),
        )
        expect(record(small, prefix, revisions[2]!).events).toHaveLength(5)
      } finally {
        await small.stop()
      }
    })

    it('see exactly the committed history in order, under many writers', async () => {
      const { prefix, change, create, key } = openBench(store)
      const counters = ['a', 'b', 'c']
      const start = await store.current()
      for (const name of counters) await create(name, { count: 0 })
      await store.current()
      const watchers = [record(store, prefix, start)]
      const committed: string[] = counters.map((name) => `ADDED ${name}@${store.get(key(name))!.revision}`)
      const writer = async (id: number) => {
        for (let round = 0; round < 12; round++) {
          const name = counters[(id + round) % counters.length]!
          const entry = await change(name, (spec) => (spec.count = spec.count! + 1))
          committed.push(`MODIFIED ${name}@${entry.revision}`)
          if (id === 0) watchers.push(record(store, prefix, start))
        }
      }
      await Promise.all(Array.from({ length: 12 }, (_, id) => writer(id)))
      await store.current()
      const revisionOf = (text: string) => Number(text.split('@')[1])
      committed.sort((a, b) => revisionOf(a) - revisionOf(b))
      expect(watchers).toHaveLength(13)
      for (const { lines } of watchers) expect(lines()).toEqual(committed)
      expect(counters.map((name) => (store.get(key(name))!.object() as TestObject).spec!.count)).toEqual([48, 48, 48])
      const counts = watchers[0]!.events
        .filter(({ entry }) => entry.name === 'a')
        .map(({ entry }) => (entry.object() as TestObject).spec!.count)
      expect(counts).toEqual(Array.from({ length: 49 }, (_, count) => count))
    })
  })
}
