/** The store on a real etcd: the shared suite, and what only a server that dies, forgets or stands still can show. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isExpired } from '../api/status.ts'
import { systemClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { compactOnce } from '../apiserver/storage/compactor.ts'
import { EtcdClient } from '../apiserver/storage/etcd-client.ts'
import { EtcdStore, type EtcdStoreOptions } from '../apiserver/storage/etcd-store.ts'
import type { StoreEvent } from '../apiserver/storage/store.ts'
import { startEtcd, startEtcdCluster, type EtcdProcess } from './etcd-process.ts'
import { startRelay } from './relay.ts'
import { line, openBench, record, storeSuite, taken, testObject, testResource } from './store-suite.ts'

const clientOf = ({ endpoint, tls }: EtcdProcess) =>
  new EtcdClient({ endpoints: [endpoint], tls, clock: systemClock, logger: silentLogger })

async function startStore({ endpoint, tls }: EtcdProcess, options: Partial<EtcdStoreOptions> = {}) {
  const store = new EtcdStore({ endpoints: [endpoint], tls, logger: silentLogger, compactionIntervalMs: 0, ...options })
  await store.start()
  return store
}

storeSuite('the etcd store', async () => {
  const etcd = await startEtcd()
  const [store, other] = await Promise.all([startStore(etcd), startStore(etcd)])
  const client = clientOf(etcd)
  return {
    store,
    other,
    compact: (revision) => client.compact(revision),
    withWindow: (windowEvents) => startStore(etcd, { windowEvents }),
    async close() {
      client.close()
      await Promise.all([store.stop(), other.stop()])
      await etcd.stop()
    },
  }
})

/** Resolves when the condition holds after an event of the prefix, or holds already. */
function until(store: EtcdStore, prefix: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (holds()) return resolve()
    const subscription = store.watch(prefix, store.revision(), {
      onEvent() {
        if (!holds()) return
        subscription.close()
        resolve()
      },
    })
  })
}

describe('the etcd store, when etcd fails', () => {
  let etcd: EtcdProcess
  beforeAll(async () => void (etcd = await startEtcd()))
  afterAll(() => etcd.stop())

  it('loses no acknowledged write and doubles none over a power cut, and its watchers see the exact history', async () => {
    const store = await startStore(etcd, { callTimeoutMs: 3_000 })
    const { prefix, key } = openBench(store)
    const start = await store.current()
    const { events, ends, lines } = record(store, prefix, start)
    const acknowledged = new Map<string, number>()
    const unknown = new Set<string>()
    let running = true
    const writer = async (id: number) => {
      for (let round = 0; running; round++) {
        const name = `w${id}-${round}`
        try {
          acknowledged.set(name, taken(await store.create(key(name), testObject(name))).revision)
        } catch {
          unknown.add(name)
        }
      }
    }
    const writers = Array.from({ length: 16 }, (_, id) => writer(id))
    for (let cut = 1; cut <= 2; cut++) {
      const before = events.length
      await until(store, prefix, () => events.length > before + 300)
      await etcd.kill()
      expect(store.get(events[0]!.entry.key)).toBe(events[0]!.entry)
      await etcd.start()
    }
    const before = events.length
    await until(store, prefix, () => events.length > before + 300)
    running = false
    await Promise.all(writers)
    await store.current()

    expect(ends).toEqual([])
    const created = new Map(events.map(({ entry }) => [entry.name, entry.revision]))
    expect(created.size).toBe(events.length)
    for (const [name, revision] of acknowledged) expect(created.get(name)).toBe(revision)
    for (const name of created.keys()) expect(acknowledged.has(name) || unknown.has(name)).toBe(true)
    const truth = await startStore(etcd)
    truth.register(testResource(prefix))
    const inEtcd = truth.list(prefix).sort((a, b) => a.revision - b.revision)
    expect(inEtcd.map(({ name, revision }) => `ADDED ${name}@${revision}`)).toEqual(lines())
    expect(record(store, prefix, start).lines()).toEqual(lines())
    await Promise.all([store.stop(), truth.stop()])
  })

  it('fails writes and exact reads in bounded time while etcd is away, answers from memory, and comes back', async () => {
    const store = await startStore(etcd, { callTimeoutMs: 1_000 })
    const { prefix, key, create } = openBench(store)
    const entry = await create('a')
    await store.current()
    const { events, ends } = record(store, prefix, entry.revision)
    await etcd.kill()
    await expect(store.create(key('b'), testObject('b'))).rejects.toMatchObject({ code: 500 })
    await expect(store.current()).rejects.toMatchObject({ code: 500 })
    expect(await store.healthy()).toMatch(/etcd|interrupted/)
    expect(store.get(key('a'))).toBe(entry)
    expect(store.list(prefix)).toHaveLength(1)
    await etcd.start()
    const again = await eventually(() => store.create(key('c'), testObject('c')))
    await store.reached(taken(again).revision, 20_000)
    expect(events.map(line)).toEqual([`ADDED c@${taken(again).revision}`])
    expect(ends).toEqual([])
    expect(await store.healthy()).toBeNull()
    await store.stop()
  })

  it('answers 504 when etcd stands still, and does not repeat the write', async () => {
    const store = await startStore(etcd, { callTimeoutMs: 1_000 })
    const { prefix, key, create } = openBench(store)
    await create('a')
    const from = await store.current()
    etcd.freeze()
    await expect(store.create(key('b'), testObject('b'))).rejects.toMatchObject({ code: 504, reason: 'Timeout' })
    etcd.thaw()
    const { revision } = taken(await eventually(() => store.create(key('c'), testObject('c'))))
    await store.reached(revision, 20_000)
    const names = record(store, prefix, from).events.map(({ entry }) => entry.name)
    expect([['c'], ['b', 'c']]).toContainEqual(names)
    await store.stop()
  })

  it('reads everything again when the revisions it missed were compacted: watches end with 410', async () => {
    const relay = await startRelay(etcd.endpoint)
    const store = await startStore(etcd, { endpoints: [relay.endpoint] })
    const rival = await startStore(etcd)
    const { prefix, key, create } = openBench(store)
    rival.register(testResource(prefix))
    const kept = await create('kept')
    const changed = await create('changed', { nodeName: 'x' })
    const gone = await create('gone')
    await store.current()
    const ended = new Promise((resolve) => store.watch(prefix, gone.revision, { onEvent: () => {}, onEnd: resolve }))
    relay.cut()
    taken(await rival.update(key('changed'), testObject('changed', { nodeName: 'y' }), changed.revision))
    taken(await rival.delete(key('gone'), gone.revision))
    const { revision } = taken(await rival.create(key('new'), testObject('new')))
    const client = clientOf(etcd)
    await client.compact(revision)
    relay.mend()
    expect(isExpired(await ended)).toBe(true)
    expect(store.revision()).toBe(revision)
    expect(store.list(prefix).map(({ name }) => name)).toEqual(['changed', 'kept', 'new'])
    expect(store.get(key('kept'))).toBe(kept)
    expect(store.list(prefix, { index: { field: 'spec.nodeName', value: 'y' } })).toHaveLength(1)
    expect(() => record(store, prefix, gone.revision)).toThrowError(/too old resource version/)
    const { events } = record(store, prefix, revision)
    await create('after')
    await store.current()
    expect(events.map(({ entry }) => entry.name)).toEqual(['after'])
    client.close()
    await Promise.all([store.stop(), rival.stop(), relay.close()])
  })

  it('starts over when etcd comes back with older data: watches end with 410', async () => {
    const store = await startStore(etcd, { callTimeoutMs: 1_000 })
    const { prefix, create } = openBench(store)
    const { revision } = await create('a')
    await store.current()
    const ended = new Promise((resolve) => store.watch(prefix, revision, { onEvent: () => {}, onEnd: resolve }))
    await etcd.kill()
    etcd.wipe()
    await etcd.start()
    expect(isExpired(await ended)).toBe(true)
    expect(store.list(prefix)).toEqual([])
    expect(store.revision()).toBeLessThan(revision)
    await create('b')
    await store.current()
    expect(store.list(prefix).map(({ name }) => name)).toEqual(['b'])
    await store.stop()
  })

  it('goes to another endpoint when one is cut off or falls silent, and its watchers miss nothing', async () => {
    const relays = await Promise.all([startRelay(etcd.endpoint), startRelay(etcd.endpoint)])
    const endpoints = ['https://127.0.0.1:1', ...relays.map(({ endpoint }) => endpoint)]
    const store = await startStore(etcd, { endpoints, callTimeoutMs: 500 })
    const { prefix, key } = openBench(store)
    const { lines } = record(store, prefix, await store.current())
    const acknowledged: string[] = []
    const unknown = new Set<string>()
    let attempts = 0
    // A write that lost its answer may have been committed: each attempt has a name of its own.
    const write = () =>
      eventually(async () => {
        const name = `w${++attempts}`
        unknown.add(name)
        acknowledged.push(`ADDED ${name}@${taken(await store.create(key(name), testObject(name))).revision}`)
        unknown.delete(name)
      })
    await write()
    relays[0]!.cut()
    await write()
    relays[0]!.mend()
    relays[1]!.silence()
    await write()
    await eventually(() => store.current())
    expect(lines().filter((event) => !unknown.has(event.slice('ADDED '.length, event.indexOf('@'))))).toEqual(acknowledged)
    expect(acknowledged).toHaveLength(3)
    await store.stop()
    await Promise.all(relays.map((relay) => relay.close()))
  })
})

it('goes on with a cluster of etcd that loses a member at a time, each in turn, with the exact history', async () => {
  const cluster = await startEtcdCluster(3)
  const store = await startStore(cluster[0]!, { endpoints: cluster.map(({ endpoint }) => endpoint), callTimeoutMs: 5_000 })
  const { prefix, key } = openBench(store)
  const { ends, lines } = record(store, prefix, await store.current())
  const acknowledged: string[] = []
  const unknown = new Set<string>()
  for (const [round, member] of cluster.entries()) {
    const write = async (name: string) => {
      try {
        acknowledged.push(`ADDED ${name}@${taken(await store.create(key(name), testObject(name))).revision}`)
      } catch {
        unknown.add(name)
      }
    }
    await write(`before-${round}`)
    const ended = member.kill()
    await Promise.all(Array.from({ length: 20 }, (_, index) => write(`during-${round}-${index}`)))
    await ended
    await eventually(() => store.current())
    await write(`after-${round}`)
    await member.start()
  }
  await eventually(() => store.current())
  expect(ends).toEqual([])
  const certain = lines().filter((event) => !unknown.has(event.slice('ADDED '.length, event.indexOf('@'))))
  expect(certain).toEqual(acknowledged.toSorted((a, b) => Number(a.split('@')[1]) - Number(b.split('@')[1])))
  expect(acknowledged.length).toBeGreaterThanOrEqual(cluster.length * 2)
  await store.stop()
  await Promise.all(cluster.map((member) => member.stop()))
})

describe('the etcd store', () => {
  let etcd: EtcdProcess
  beforeAll(async () => void (etcd = await startEtcd()))
  afterAll(() => etcd.stop())

  it('loads what is there, in pages, whoever wrote it and in whatever order of members', async () => {
    const client = clientOf(etcd)
    const prefix = '/registry/test/loaded/'
    const put = (key: string, value: string) =>
      client.txn({
        compare: { key, target: 'version', equals: 0 },
        success: { type: 'put', key, value },
        failure: { type: 'range', key },
      })
    const values = [
      '{"kind":"Thing","apiVersion":"test/v1","metadata":{"name":"NAME"},"spec":{"nodeName":"x"}}',
      '{"spec":{"nodeName":"x","metadata":{"a":1}},"metadata":{"name":"NAME","resourceVersion":"1"},"kind":"Thing","apiVersion":"test/v1"}',
    ]
    for (let count = 0; count < 1_100; count++) {
      const name = `n${String(count).padStart(4, '0')}`
      await put(`${prefix}default/${name}`, values[count % 2]!.replace('NAME', name))
    }
    const store = new EtcdStore({ endpoints: [etcd.endpoint], tls: etcd.tls, logger: silentLogger })
    store.register(testResource(prefix))
    await store.start()
    const entries = store.list(prefix, { index: { field: 'spec.nodeName', value: 'x' } })
    expect(entries).toHaveLength(1_100)
    expect(entries.map(({ key }) => key)).toEqual(entries.map(({ key }) => key).toSorted())
    for (const entry of entries)
      expect(entry.object().metadata).toEqual({ name: entry.name, resourceVersion: String(entry.revision) })
    const all = await store.listAt(prefix, store.revision(), '', 0)
    expect(all.entries).toHaveLength(1_100)
    expect(all.more).toBe(false)
    client.close()
    await store.stop()
  })

  it('keeps the values of a resource as its transformer makes them, and only those', async () => {
    const hidden = '/registry/test/hidden/'
    const flip = (value: Buffer) => Buffer.from(value.map((byte) => byte ^ 0xff))
    const transformers = new Map([
      [hidden, { encode: (_: string, value: Buffer) => flip(value), decode: (_: string, value: Buffer) => flip(value) }],
    ])
    const store = await startStore(etcd, { transformers })
    const late = await startStore(etcd, { transformers })
    const { key, create } = openBench(store, hidden)
    late.register(testResource(hidden))
    const { revision, bytes } = await create('a', { text: 'secret' })
    await Promise.all([store.current(), late.current()])
    expect(store.get(key('a'))!.bytes).toEqual(bytes)
    expect(late.get(key('a'))!.bytes).toEqual(bytes)
    expect((await store.listAt(hidden, revision, '', 0)).entries[0]!.object()).toMatchObject({ spec: { text: 'secret' } })
    const client = clientOf(etcd)
    const { kvs } = await client.range({ key: key('a') })
    expect(kvs[0]!.value.toString('latin1')).not.toContain('secret')
    client.close()
    await Promise.all([store.stop(), late.stop()])
  })

  it('writes an update that changes nothing when its value is stored in an old way, once', async () => {
    const prefix = '/registry/test/rotated/'
    const plain = await startStore(etcd)
    const first = await openBench(plain, prefix).create('a', { text: 'secret' })
    const mark = Buffer.from('new:')
    const isCurrent = (stored: Buffer) => stored.subarray(0, mark.length).equals(mark)
    const transformer = {
      encode: (_: string, value: Buffer) => Buffer.concat([mark, value]),
      decode: (_: string, stored: Buffer) => (isCurrent(stored) ? stored.subarray(mark.length) : stored),
      isCurrent,
    }
    const store = await startStore(etcd, { transformers: new Map([[prefix, transformer]]) })
    store.register(testResource(prefix))
    const object = testObject('a', { text: 'secret' })
    const second = taken(await store.update(first.key, object, first.revision))
    expect(second.revision).toBeGreaterThan(first.revision)
    await store.reached(second.revision, 20_000)
    expect(taken(await store.update(first.key, object, second.revision)).revision).toBe(second.revision)
    await Promise.all([plain.stop(), store.stop()])
  })

  it('does not start on an object that it cannot read, and passes over one that comes later', async () => {
    const prefix = '/registry/test/broken/'
    const client = clientOf(etcd)
    const put = (name: string) =>
      client.txn({
        compare: { key: `${prefix}default/${name}`, target: 'version', equals: 0 },
        success: { type: 'put', key: `${prefix}default/${name}`, value: 'not JSON' },
        failure: { type: 'range', key: prefix },
      })
    const running = await startStore(etcd)
    const { create } = openBench(running, prefix)
    const { events } = record(running, prefix, await running.current())
    await put('broken')
    await create('sound')
    await running.current()
    expect(events.map(({ entry }) => entry.name)).toEqual(['sound'])
    const starting = new EtcdStore({ endpoints: [etcd.endpoint], tls: etcd.tls, logger: silentLogger })
    starting.register(testResource(prefix))
    await expect(starting.start()).rejects.toThrowError(/Cannot read \/registry\/test\/broken\/default\/broken: Unexpected token/)
    client.close()
    await Promise.all([running.stop(), starting.stop()])
  })

  it('lets objects go when their lease ends, and keeps those written again without one', async () => {
    const store = await startStore(etcd)
    const { prefix, key } = openBench(store)
    const { events } = record(store, prefix, await store.current())
    for (const name of ['a', 'b']) taken(await store.create(key(name), testObject(name), { ttlSeconds: 1 }))
    const kept = taken(await store.create(key('kept'), testObject('kept'), { ttlSeconds: 1 }))
    taken(await store.update(key('kept'), testObject('kept', { count: 1 }), kept.revision))
    const deleted = (event: StoreEvent) => event.type === 'DELETED'
    await until(store, prefix, () => events.filter(deleted).length === 2)
    expect(store.list(prefix).map(({ name }) => name)).toEqual(['kept'])
    // One lease, one transaction: both under one revision, and neither lost.
    expect(new Set(events.filter(deleted).map(({ revision }) => revision)).size).toBe(1)
    const { revision } = events.at(-1)!
    expect(record(store, prefix, revision - 1).events.filter(deleted)).toHaveLength(2)
    expect(record(store, prefix, revision).events).toHaveLength(0)
    await store.stop()
  })

  it('compacts as one of several servers: who loses the turn waits for the next', async () => {
    const client = clientOf(etcd)
    const none = { time: 0, revision: 0 }
    const first = await compactOnce(client, none)
    const second = await compactOnce(client, none)
    expect(first.time).toBe(1)
    expect(second.time).toBe(1)
    const compacted = await compactOnce(client, first)
    expect(compacted.time).toBe(2)
    const tooOld = client.range({ key: '/registry/', revision: first.revision - 1 })
    await expect(tooOld).rejects.toThrowError(/compacted/)
    await client.range({ key: '/registry/', revision: first.revision })
    expect(await compactOnce(client, second)).toMatchObject({ time: 2 })
    client.close()
  })

  it('refuses a client without a certificate of its authority', async () => {
    const stranger = await startEtcd()
    const client = new EtcdClient({
      ...stranger,
      endpoints: [etcd.endpoint],
      clock: systemClock,
      logger: silentLogger,
      callTimeoutMs: 300,
    })
    await expect(client.range({ key: 'a' })).rejects.toThrowError(/cannot be reached/)
    client.close()
    await stranger.stop()
  })
})

/** Asks again until etcd answers: it needs a moment to elect itself. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 60_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
  }
}
