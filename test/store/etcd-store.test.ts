/** The store on a real etcd: the shared suite, and what it makes of etcd: pages, leases, encryption, compaction, certificates. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import { compactOnce } from '../../apiserver/storage/compactor.ts'
import { EtcdClient } from '../../apiserver/storage/etcd-client.ts'
import { EtcdStore } from '../../apiserver/storage/etcd-store.ts'
import type { StoreEvent } from '../../apiserver/storage/store.ts'
import { startEtcd, type EtcdProcess } from '../etcd-process.ts'
import { openBench, record, taken, testObject, testResource, until } from './store-bench.ts'
import { storeSuite } from './store-suite.ts'
import { clientOf, startStore } from './start-etcd-store.ts'

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
