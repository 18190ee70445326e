/** Reads of a store: as new as was asked for, in order, by namespace and index, and of older revisions. */
import { beforeAll, describe, expect, it } from 'vitest'
import { isExpired } from '../../api/status.ts'
import type { Store } from '../../apiserver/storage/store.ts'
import { openBench, taken, testResource } from './store-bench.ts'
import type { StoreUnderTest } from './store-suite.ts'

export function readsSuite(opened: () => StoreUnderTest): void {
  describe('reads', () => {
    let under: StoreUnderTest
    let store: Store
    beforeAll(() => {
      under = opened()
      store = under.store
    })

    it('see a write that another store has finished, once they ask for the current revision', async () => {
      const { prefix, key, create } = openBench(store)
      if (under.other !== store) under.other.register(testResource(prefix))
      for (let count = 0; count < 20; count++) {
        const { revision } = await create(`a${count}`)
        expect(await under.other.current()).toBeGreaterThanOrEqual(revision)
        expect(under.other.get(key(`a${count}`))?.revision).toBe(revision)
      }
    })

    it('wait for a revision, and say 504 when it does not come', async () => {
      const { create } = openBench(store)
      const { revision } = await create('a')
      await store.reached(revision, 20_000)
      await expect(store.reached(revision + 1_000, 5)).rejects.toMatchObject({
        code: 504,
        message: `Timeout: Too large resource version: ${revision + 1_000}, current: ${store.revision()}`,
      })
    })

    it('list in the order of keys, by namespace and by index, whatever was written in whatever order', async () => {
      const { prefix, key, create, change } = openBench(store)
      const model = new Map<string, { namespace: string; nodeName: string }>()
      const random = seeded(7)
      for (let round = 0; round < 150; round++) {
        const name = `n${Math.floor(random() * 40)}`
        const namespace = 'default'
        const nodeName = `node${Math.floor(random() * 3)}`
        const present = model.has(name)
        let revision: number
        if (!present) revision = (await create(name, { nodeName })).revision
        else if (random() < 0.3) revision = taken(await store.delete(key(name), store.get(key(name))!.revision)).revision
        else revision = (await change(name, (spec) => void ((spec.nodeName = nodeName), (spec.count = round)))).revision
        await store.reached(revision, 20_000)
        if (store.get(key(name))) model.set(name, { namespace, nodeName })
        else model.delete(name)
        if (round % 10 !== 0) continue
        const names = (keep: (nodeName: string) => boolean) =>
          [...model]
            .filter(([, { nodeName }]) => keep(nodeName))
            .map(([name]) => name)
            .sort()
        expect(store.list(prefix).map(({ name }) => name)).toEqual(names(() => true))
        expect(store.list(prefix, { namespace: 'default' }).map(({ name }) => name)).toEqual(names(() => true))
        for (const value of ['node0', 'node1', 'node2'])
          expect(store.list(prefix, { index: { field: 'spec.nodeName', value } }).map(({ name }) => name)).toEqual(
            names((nodeName) => nodeName === value),
          )
      }
    })

    it('keep namespaces apart, alone and with an index', async () => {
      const { prefix, create } = openBench(store)
      await create('a', { nodeName: 'x' }, 'one')
      await create('b', { nodeName: 'x' }, 'two')
      await store.reached((await create('c', {}, 'two')).revision, 20_000)
      const list = (query?: Parameters<Store['list']>[1]) => store.list(prefix, query).map(({ name }) => name)
      expect(list()).toEqual(['a', 'b', 'c'])
      expect(list({ namespace: 'two' })).toEqual(['b', 'c'])
      expect(list({ namespace: 'three' })).toEqual([])
      expect(list({ namespace: 'two', index: { field: 'spec.nodeName', value: 'x' } })).toEqual(['b'])
      expect(list({ index: { field: 'spec.nodeName', value: '' } })).toEqual(['c'])
      expect(store.list(`${prefix}two/`).map(({ name }) => name)).toEqual(['b', 'c'])
    })

    it('list as of an older revision in pages, while writes go on', async () => {
      const { prefix, key, create, change } = openBench(store)
      for (let count = 0; count < 7; count++) await create(`a${count}`, { count })
      const revision = await store.current()
      await change('a3', (spec) => (spec.count = 33))
      taken(await store.delete(key('a5'), store.get(key('a5'))!.revision))
      await create('a55')
      const pages: string[][] = []
      let start = ''
      for (let more = true; more;) {
        const page = await store.listAt(prefix, revision, start, 3)
        pages.push(page.entries.map(({ name }) => name))
        expect(page.remaining).toBe(7 - pages.flat().length)
        if (start.endsWith('a2\0')) expect(page.entries[0]!.object()).toMatchObject({ spec: { count: 3 } })
        ;({ more } = page)
        start = `${page.entries.at(-1)!.key}\0`
      }
      expect(pages).toEqual([['a0', 'a1', 'a2'], ['a3', 'a4', 'a5'], ['a6']])
    })

    it('refuse to list what has been compacted', async () => {
      const { prefix, create } = openBench(store)
      const { revision } = await create('a')
      await create('b')
      await under.compact(await store.current())
      await expect(store.listAt(prefix, revision, '', 3)).rejects.toSatisfy(isExpired)
    })
  })
}

/** Always the same numbers: a failure can be seen again. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
