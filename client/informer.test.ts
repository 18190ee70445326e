import { describe, expect, test } from 'vitest'
import type { Pod } from '../api/generated/types.ts'
import { keyOf } from '../api/object.ts'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { createInformer } from './informer.ts'
import { createMemoryApiClient } from './memory-api-client.ts'
import { sourceOf } from './shared-informers.ts'

const pod = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { namespace: 'default', name, labels },
  spec: { containers: [{ name: 'c', image: 'i' }] },
})

async function start() {
  const client = createMemoryApiClient()
  const clock = createTestClock()
  const stop = new AbortController()
  const informer = createInformer<Pod>(sourceOf(client, 'Pod'), { name: 'Pod', clock, logger: silentLogger, random: () => 0 })
  const heard: string[] = []
  informer.addHandlers({
    added: (object, initial) => heard.push(`added ${object.metadata.name}${initial ? ' initially' : ''}`),
    updated: (object, old) =>
      heard.push(`updated ${object.metadata.name} ${old.metadata.resourceVersion}->${object.metadata.resourceVersion}`),
    deleted: (object) => heard.push(`deleted ${object.metadata.name}`),
  })
  informer.addIndexes({ app: (object) => [object.metadata.labels?.['app'] ?? ''] })
  return { client, clock, stop, informer, heard, run: () => informer.run(stop.signal) }
}

describe('an informer', () => {
  test('gives the first list and then each change with the old object', async () => {
    const { client, clock, informer, heard, run, stop } = await start()
    const first = await client.create('Pod', pod('a'))
    const running = run()
    await informer.whenSynced()
    expect(heard).toEqual(['added a initially'])
    await client.patch(
      'Pod',
      { namespace: 'default', name: 'a' },
      { metadata: { labels: { x: 'y' } } },
      { type: 'application/merge-patch+json' },
    )
    await client.create('Pod', pod('b'))
    await client.delete('Pod', { namespace: 'default', name: 'a' })
    await clock.advance(0)
    const rv = Number(first.metadata.resourceVersion)
    expect(heard.slice(1)).toEqual([`updated a ${rv}->${rv + 1}`, 'added b', 'deleted a'])
    expect(informer.store.list().map(keyOf)).toEqual(['default/b'])
    stop.abort()
    await running
  })

  test('resumes a watch that broke without missing or repeating an event', async () => {
    const { client, clock, informer, heard, run, stop } = await start()
    const running = run()
    await informer.whenSynced()
    await clock.advance(0)
    for (let round = 0; round < 5; round++) {
      client.dropWatches()
      await client.create('Pod', pod(`p${round}`))
      await clock.advance(1000)
    }
    expect(heard).toEqual(['added p0', 'added p1', 'added p2', 'added p3', 'added p4'])
    stop.abort()
    await running
  })

  test('lists again when its revision has expired, and tells the difference', async () => {
    const { client, clock, informer, heard, run, stop } = await start()
    await client.create('Pod', pod('kept'))
    await client.create('Pod', pod('lost'))
    const replaced = await client.create('Pod', pod('replaced'))
    const running = run()
    await informer.whenSynced()
    await clock.advance(0)
    heard.length = 0
    // The server drops the watch and forgets; what happens now is seen by the next list only.
    client.failWith(undefined)
    client.dropWatches()
    await client.delete('Pod', { namespace: 'default', name: 'lost' })
    await client.delete('Pod', { namespace: 'default', name: 'replaced' })
    expect((await client.create('Pod', pod('replaced'))).metadata.uid).not.toBe(replaced.metadata.uid)
    await client.create('Pod', pod('new'))
    client.compact()
    await clock.advance(5000)
    expect(heard).toEqual(['deleted lost', 'deleted replaced', 'added replaced', 'added new'])
    stop.abort()
    await running
  })

  test('keeps indexes right as objects move between values', async () => {
    const { client, clock, informer, run, stop } = await start()
    await client.create('Pod', pod('a', { app: 'web' }))
    await client.create('Pod', pod('b', { app: 'web' }))
    const running = run()
    await informer.whenSynced()
    await clock.advance(0)
    await client.patch(
      'Pod',
      { namespace: 'default', name: 'a' },
      { metadata: { labels: { app: 'db' } } },
      { type: 'application/merge-patch+json' },
    )
    await clock.advance(0)
    expect(informer.store.byIndex('app', 'web').map(keyOf)).toEqual(['default/b'])
    expect(informer.store.byIndex('app', 'db').map(keyOf)).toEqual(['default/a'])
    expect(informer.store.list('default')).toHaveLength(2)
    expect(informer.store.list('other')).toHaveLength(0)
    stop.abort()
    await running
  })

  test('tells when it has reached a revision', async () => {
    const { client, clock, informer, run, stop } = await start()
    const running = run()
    await informer.whenSynced()
    const waiting = informer.whenReached(String(Number(client.revision()) + 1), 60_000)
    await client.create('Pod', pod('a'))
    expect(await waiting).toBe(true)
    const tooFar = informer.whenReached('999999', 1000)
    await clock.advance(1000)
    expect(await tooFar).toBe(false)
    stop.abort()
    await running
  })
})
