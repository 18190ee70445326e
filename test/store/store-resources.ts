/** Resources of a store, which come and go while it runs. */
import { beforeAll, describe, expect, it } from 'vitest'
import { isExpired } from '../../api/status.ts'
import type { Store } from '../../apiserver/storage/store.ts'
import { openBench, record, testResource } from './store-bench.ts'
import type { StoreUnderTest } from './store-suite.ts'

export function resourcesSuite(opened: () => StoreUnderTest): void {
  describe('resources', () => {
    let under: StoreUnderTest
    let store: Store
    beforeAll(() => {
      under = opened()
      store = under.store
    })

    it('taken out end their watches with 410, and come back with their objects', async () => {
      const { prefix, key, create } = openBench(store)
      const { revision } = await create('a', { nodeName: 'x' })
      await store.current()
      const { ends } = record(store, prefix, revision)
      store.unregister(prefix)
      expect(ends).toHaveLength(1)
      expect(isExpired(ends[0])).toBe(true)
      expect(store.list(prefix)).toEqual([])
      store.register(testResource(prefix))
      expect(store.list(prefix, { index: { field: 'spec.nodeName', value: 'x' } }).map(({ revision }) => revision)).toEqual([
        revision,
      ])
      expect(store.get(key('a'))!.object()).toMatchObject({ metadata: { resourceVersion: String(revision) } })
    })

    it('of another store can be registered late', async () => {
      const { prefix, create } = openBench(store)
      const { revision } = await create('a')
      await under.other.current()
      if (under.other !== store) under.other.register(testResource(prefix))
      expect(under.other.list(prefix).map((entry) => entry.revision)).toEqual([revision])
    })

    it('are registered once', () => {
      const { prefix } = openBench(store)
      expect(() => store.register(testResource(prefix))).toThrowError(/registered already/)
      expect(() => store.register(testResource('/registry/too/deep/prefix/'))).toThrowError(/<group>\/<resource>/)
    })
  })
}
