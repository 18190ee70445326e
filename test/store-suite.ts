/** What every store must hold to, run against each of them: see apiserver/storage/store.ts for the contract in words. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../api/object.ts'
import { ApiError, isExpired } from '../api/status.ts'
import type { Entry, Store, StoredResource, StoreEvent, WriteResult } from '../apiserver/storage/store.ts'

export interface StoreUnderTest {
  store: Store
  /** Another store on the same data where there can be one, else the same. */
  other: Store
  compact: (revision: number) => Promise<void>
  /** A store whose window holds few events, on data of its own or shared. */
  withWindow: (events: number) => Promise<Store>
  close: () => Promise<void>
}

interface TestObject extends KubeObject {
  spec?: { nodeName?: string; count?: number; text?: string }
}

/** Object of a resource that no other test touches. */
interface Bench {
  prefix: string
  key: (name: string, namespace?: string) => string
  create: (name: string, spec?: TestObject['spec'], namespace?: string) => Promise<Entry>
  /** Reads, changes and writes until the write is taken, as every controller does. */
  change: (name: string, change: (spec: NonNullable<TestObject['spec']>) => void) => Promise<Entry>
}

let resources = 0

export const testResource = (prefix: string): StoredResource => ({
  prefix,
  namespaced: true,
  selectableFields: (object) => ({ 'spec.nodeName': (object as TestObject).spec?.nodeName ?? '' }),
  indexedFields: ['spec.nodeName'],
})

export const testObject = (name: string, spec?: TestObject['spec'], namespace = 'default'): TestObject => ({
  apiVersion: 'test/v1',
  kind: 'Thing',
  metadata: { name, namespace, uid: `uid-of-${name}`, labels: { app: name } },
  ...(spec && { spec }),
})

export function taken(result: WriteResult): Entry {
  if (!result.ok) throw new Error(`the write was refused: ${result.current?.key} is at ${result.current?.revision}`)
  return result.entry
}

export function openBench(store: Store, prefix = `/registry/test/things${++resources}/`): Bench {
  store.register(testResource(prefix))
  const key = (name: string, namespace = 'default') => `${prefix}${namespace}/${name}`
  return {
    prefix,
    key,
    create: async (name, spec, namespace) => taken(await store.create(key(name, namespace), testObject(name, spec, namespace))),
    async change(name, change) {
      let entry = store.get(key(name))
      for (;;) {
        if (!entry) throw new Error(`${name} is not there`)
        const object = structuredClone(entry.object()) as TestObject
        change((object.spec ??= {}))
        const result = await store.update(entry.key, object, entry.revision)
        if (result.ok) return result.entry
        entry = result.current
      }
    },
  }
}

/** `ADDED a@12`, short enough to compare whole histories. */
export const line = ({ type, entry, revision }: StoreEvent): string => `${type} ${entry.name}@${revision}`

export function record(store: Store, prefix: string, from: number) {
  const events: StoreEvent[] = []
  const ends: ApiError[] = []
  const subscription = store.watch(prefix, from, { onEvent: (event) => events.push(event), onEnd: (end) => ends.push(end) })
  return { events, ends, lines: () => events.map(line), close: () => subscription.close() }
}

export function storeSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let under: StoreUnderTest
    let store: Store
    beforeAll(async () => {
      under = await open()
      store = under.store
    })
    afterAll(() => under.close())

    describe('writes', () => {
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

    describe('reads', () => {
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

    describe('watches', () => {
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

    describe('resources', () => {
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

    it('is healthy', async () => expect(await store.healthy()).toBeNull())

    it('ends its watches with 503 and refuses writes when it stops', async () => {
      const stopping = await under.withWindow(100)
      const { prefix, create } = openBench(stopping)
      const { ends } = record(stopping, prefix, stopping.revision())
      const waiting = stopping.reached(stopping.revision() + 100, 60_000)
      const refused = expect(waiting).rejects.toMatchObject({ code: 503 })
      await stopping.stop()
      await refused
      expect(ends.map(({ code }) => code)).toEqual([503])
      await expect(create('a')).rejects.toBeInstanceOf(ApiError)
      expect(await stopping.healthy()).not.toBeNull()
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
