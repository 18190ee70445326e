import { afterEach, describe, expect, it } from 'vitest'
import { createMemoryApiClient } from '../client/memory-api-client.ts'
import { createTestClock } from '../component/clock.ts'
import { createLogger } from '../component/logger.ts'
import { followChanges, zoneOf } from './follow-changes.ts'
import { createProxiedObjects } from './proxied-objects.ts'
import type { Proxier } from './proxier.ts'

const zoneLabel = 'topology.kubernetes.io/zone'

describe('what proxiers are told', () => {
  const stop = new AbortController()
  afterEach(() => stop.abort())

  it('is the zone of the node, as it is at the start and whenever it changes', async () => {
    const client = createMemoryApiClient()
    await client.create('Node', { metadata: { name: 'one', labels: { [zoneLabel]: 'a' } }, spec: {} })
    const logger = createLogger({ component: 'test', level: 'error' })
    const objects = createProxiedObjects(client, 'one', { clock: createTestClock(), logger, signal: stop.signal })
    await objects.start()
    const told: (string | undefined)[] = []
    const proxier = {
      setNode: ({ zone }) => void told.push(zone),
      setNodePortAddresses() {},
      start() {},
    } as Partial<Proxier> as Proxier
    followChanges({
      objects,
      proxiers: [{ family: 'IPv4', proxier }],
      nodePortRanges: [],
      viewFor: () => ({ name: 'one', zone: zoneOf(objects), clusterCidrs: [], masqueradeAll: false }),
      changed() {},
    })
    expect(told).toEqual(['a'])
    await client.patch(
      'Node',
      { name: 'one' },
      { metadata: { labels: { [zoneLabel]: 'b' } } },
      { type: 'application/merge-patch+json' },
    )
    await expect.poll(() => told).toEqual(['a', 'b'])
  })
})
