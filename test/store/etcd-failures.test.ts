/** The store, when etcd dies, forgets, stands still or is cut off: no acknowledged write is lost, and watchers hear the exact history. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isExpired } from '../../api/status.ts'
import { startEtcd, startEtcdCluster, type EtcdProcess } from '../etcd-process.ts'
import { startRelay } from '../relay.ts'
import { line, openBench, record, taken, testObject, testResource, until } from './store-bench.ts'
import { clientOf, startStore } from './start-etcd-store.ts'

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
