/** Writes to a store: of the version that was expected and no other, and what comes back is what was written. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../apiserver/storage/store.ts'
import { openBench, taken, testObject, type TestObject, testResource } from './store-bench.ts'
import type { StoreUnderTest } from './store-suite.ts'

export function writesSuite(opened: () => StoreUnderTest): void {
  describe('writes', () => {
    let under: StoreUnderTest
    let store: Store
    beforeAll(() => {
      under = opened()
      store = under.store
    })

    it('creates once: the second is refused and answers what is there', async () => {
      const { key, create } = openBench(store)
      const first = await create('a')
      const second = await store.create(key('a'), testObject('a', { count: 2 }))
      expect(second).toMatchObject({ ok: false, current: { key: key('a'), revision: first.revision, uid: 'uid-of-a' } })
    })

    it('updates only the version that was expected', async () => {
      const { key, create } = openBench(store)
      const first = await create('a')
      const second = taken(await store.update(key('a'), testObject('a', { count: 1 }), first.revision))
      expect(second.revision).toBeGreaterThan(first.revision)
      const stale = await store.update(key('a'), testObject('a', { count: 2 }), first.revision)
      expect(stale).toMatchObject({ ok: false, current: { revision: second.revision } })
      expect(!stale.ok && stale.current?.object()).toMatchObject({ spec: { count: 1 } })
    })

    it('refuses to update or delete what is not there', async () => {
      const { key } = openBench(store)
      expect(await store.update(key('a'), testObject('a'), 5)).toEqual({ ok: false, current: undefined })
      expect(await store.delete(key('a'), 5)).toEqual({ ok: false, current: undefined })
    })

    it('makes no new version of an update that changes nothing, and still refuses it when it is stale', async () => {
      const { key, create } = openBench(store)
      const first = await create('a', { count: 1 })
      await store.reached(first.revision, 20_000)
      expect(taken(await store.update(key('a'), testObject('a', { count: 1 }), first.revision)).revision).toBe(first.revision)
      const second = taken(await store.update(key('a'), testObject('a', { count: 2 }), first.revision))
      expect(await store.update(key('a'), testObject('a', { count: 1 }), first.revision)).toMatchObject({ ok: false })
      expect(await store.current()).toBe(second.revision)
    })

    it('deletes only the version that was expected, and answers it under the revision of the deletion', async () => {
      const { key, create } = openBench(store)
      const first = await create('a', { text: 'last words' })
      expect(await store.delete(key('a'), first.revision - 1)).toMatchObject({
        ok: false,
        current: { revision: first.revision },
      })
      const gone = taken(await store.delete(key('a'), first.revision))
      expect(gone.revision).toBeGreaterThan(first.revision)
      expect(gone.object()).toMatchObject({
        metadata: { resourceVersion: String(gone.revision) },
        spec: { text: 'last words' },
      })
      await store.reached(gone.revision, 20_000)
      expect(store.get(key('a'))).toBeUndefined()
    })

    it('deletes a version that the cache has not seen', async () => {
      const { prefix, key, create } = openBench(store)
      if (under.other !== store) under.other.register(testResource(prefix))
      const first = await create('a', { text: 'unseen' })
      expect(taken(await under.other.delete(key('a'), first.revision)).object()).toMatchObject({ spec: { text: 'unseen' } })
    })

    it('takes the object as it is at the call, whatever its resourceVersion says and whatever becomes of it', async () => {
      const { key } = openBench(store)
      const object = testObject('a', { text: 'before' })
      object.metadata.resourceVersion = '1'
      const write = store.create(key('a'), object)
      object.spec!.text = 'after'
      object.metadata.labels!['app'] = 'after'
      const entry = taken(await write)
      expect(entry.labels).toEqual({ app: 'a' })
      expect(entry.object()).toMatchObject({ metadata: { resourceVersion: String(entry.revision) }, spec: { text: 'before' } })
    })

    it('answers exactly one of many writers that expect the same version', async () => {
      const { key, create } = openBench(store)
      const { revision } = await create('a')
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, count) => store.update(key('a'), testObject('a', { count }), revision)),
      )
      const winners = results.filter(({ ok }) => ok)
      expect(winners).toHaveLength(1)
      for (const result of results) if (!result.ok) expect(result.current?.revision).toBe(taken(winners[0]!).revision)
    })
  })

  describe('bytes', () => {
    let store: Store
    beforeAll(() => void (store = opened().store))

    const strange: [string, TestObject][] = [
      ['nothing but metadata', { apiVersion: 'v1', kind: 'A', metadata: { name: 'a', namespace: 'default', uid: 'u' } }],
      ['metadata inside strings', { ...testObject('"metadata":{'), spec: { text: '{"metadata":{}}' } }],
      ['quotes in the kind', { ...testObject('a'), kind: '"metadata":{' }],
      ['text beyond ASCII', testObject('a', { text: 'žluťoučký 🐎 \u2028 \\ "' })],
      ['a member called metadata below', { ...testObject('a'), spec: { metadata: { resourceVersion: '7' } } as never }],
    ]
    it.each(strange)('are the object and its resourceVersion: %s', async (_, object) => {
      const { prefix, key } = openBench(store)
      const entry = taken(await store.create(key('a'), object))
      const revision = String(entry.revision)
      const whole = { ...object, metadata: { ...object.metadata, resourceVersion: revision } }
      expect(JSON.parse(entry.bytes.toString())).toEqual(whole)
      await store.reached(entry.revision, 20_000)
      expect(store.get(key('a'))!.bytes).toEqual(entry.bytes)
      expect((await store.listAt(prefix, entry.revision, '', 0)).entries[0]!.bytes).toEqual(entry.bytes)
      const gone = taken(await store.delete(key('a'), entry.revision))
      expect(JSON.parse(gone.bytes.toString())).toEqual({
        ...whole,
        metadata: { ...whole.metadata, resourceVersion: String(gone.revision) },
      })
    })
  })
}
