import { describe, expect, test } from 'vitest'
import { createMemoryApiClient } from '../client/memory-api-client.ts'
import { createTestClock } from '../component/clock.ts'
import { silentLogger as logger } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { refuse, type SchedulerPlugin } from './framework.ts'
import { createPlugins } from './plugins.ts'
import { createScheduler } from './scheduler.ts'
import { makeNode, makePod } from './testing.ts'

/** A scheduler with one more plugin, and a node with room for two pods. */
async function start(plugin: SchedulerPlugin) {
  const client = createMemoryApiClient()
  const clock = createTestClock()
  const stop = new AbortController()
  const profile = {
    schedulerName: 'default-scheduler',
    percentageOfNodesToScore: 0,
    plugins: [...createPlugins(), { plugin, weight: 0 }],
  }
  const metrics = createMetrics({ processMetrics: false })
  const scheduler = createScheduler({ client, profiles: [profile], clock, logger, metrics, seed: 1, signal: stop.signal })
  await client.create('Node', makeNode('node-1', { cpu: '2' }))
  const following = scheduler.follow()
  await clock.advance(0)
  await following
  const running = scheduler.run(stop.signal)
  const settle = async (ms: number) => {
    for (let step = 0; step < 20; step++) await clock.advance(ms / 20)
  }
  return {
    client,
    scheduler,
    settle,
    create: (name: string) => client.create('Pod', makePod(name, { cpu: '1' })),
    get: (name: string) => client.get('Pod', { namespace: 'default', name }),
    roomTaken: () => scheduler.snapshot.node('node-1')!.requested.milliCpu,
    async end() {
      stop.abort()
      await running
    },
  }
}

/** Lets pods go in pairs, as a gang scheduler does. */
const pairs: SchedulerPlugin = {
  name: 'Pairs',
  permit(_, __, waiting) {
    const [first] = waiting.list()
    if (!first) return { waitMs: 30_000 }
    waiting.allow(first.uid, 'Pairs')
    return 'allow'
  },
}

describe('a permit plugin', () => {
  test('keeps a pod waiting, with its room, until it lets it go', async () => {
    const { scheduler, create, get, settle, roomTaken, end } = await start(pairs)
    const { metadata } = await create('one')
    await settle(100)
    expect((await get('one')).spec.nodeName).toBeUndefined()
    expect(roomTaken()).toBe(1000)
    expect(scheduler.why('default/one')).toMatchObject({ state: 'deciding', waitsFor: ['Pairs'] })
    expect(scheduler.waiting.has(metadata.uid)).toBe(true)
    await create('two')
    await settle(100)
    expect([(await get('one')).spec.nodeName, (await get('two')).spec.nodeName]).toEqual(['node-1', 'node-1'])
    await end()
  })

  test('that never says yes: the room is free again when the time is up, and the pod is told why', async () => {
    const { create, get, settle, roomTaken, end } = await start(pairs)
    await create('one')
    await settle(31_000)
    expect(roomTaken()).toBe(0)
    const [condition] = (await get('one')).status?.conditions ?? []
    expect(condition?.message).toBe('0/1 nodes are available: 1 rejected due to timeout after waiting 30s at plugin Pairs.')
    await end()
  })

  test('does not keep a pod that is deleted meanwhile, nor one when the scheduler stops', async () => {
    const { client, create, settle, roomTaken, end } = await start(pairs)
    const pod = await create('one')
    await settle(100)
    await client.delete('Pod', pod.metadata)
    await settle(100)
    expect(roomTaken()).toBe(0)
    await create('two')
    await settle(100)
    await end()
    expect(client.writes.filter(({ subresource }) => subresource === 'binding')).toEqual([])
  })
})

describe('a reserve plugin', () => {
  /** Something that there is one of. */
  const createSingle = () => {
    const holders = new Set<string>()
    const single: SchedulerPlugin = {
      name: 'Single',
      reserve({ uid }) {
        if (holders.size > 0) return refuse('node(s) had no single thing left')
        holders.add(uid)
        return null
      },
      unreserve: ({ uid }) => void holders.delete(uid),
      isHelpedBy: (_, { kind }) => kind === 'Pod',
    }
    return { single, holders }
  }

  test('that refuses sends the pod back, with its room', async () => {
    const { single } = createSingle()
    const { create, get, settle, roomTaken, end } = await start(single)
    await create('one')
    await create('two')
    await settle(100)
    expect((await get('one')).spec.nodeName).toBe('node-1')
    expect((await get('two')).status?.conditions?.[0]?.message).toBe(
      '0/1 nodes are available: 1 node(s) had no single thing left.',
    )
    expect(roomTaken()).toBe(1000)
    await end()
  })

  test('is given back what it reserved when the binding fails', async () => {
    const { single, holders } = createSingle()
    const { client, create, settle, end } = await start(single)
    client.failWith(({ subresource }) => (subresource === 'binding' ? new Error('no') : undefined))
    await create('one')
    await settle(100)
    expect(holders.size).toBe(0)
    await end()
  })
})
