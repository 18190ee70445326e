import fc from 'fast-check'
import { expect, test } from 'vitest'
import { internalError } from '../api/status.ts'
import { createMemoryApiClient } from '../client/memory-api-client.ts'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { toSchedulerConfig } from './config.ts'
import { createRandom } from './decide.ts'
import { createScheduler } from './scheduler.ts'
import { makeNode, makePod } from './testing.ts'

const cpusOf = (nodes: number) => nodes * 4

test('whatever fails on the way, every pod that has room gets it, and no node ever gets more than it has', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 4 }), async (seed, nodes) => {
      const client = createMemoryApiClient()
      const clock = createTestClock()
      const stop = new AbortController()
      const random = createRandom(seed)
      const metrics = createMetrics({ processMetrics: false })
      const { profiles } = toSchedulerConfig({})
      const scheduler = createScheduler({ client, profiles, clock, logger: silentLogger, metrics, seed, signal: stop.signal })
      for (let index = 0; index < nodes; index++) await client.create('Node', makeNode(`node-${index}`, { cpu: '4' }))
      const following = scheduler.follow()
      await clock.advance(0)
      await following
      const running = scheduler.run(stop.signal)

      // A third of all bindings fail; watches break and history is forgotten again and again.
      client.failWith(({ subresource }) =>
        subresource === 'binding' && random() < 0.33 ? internalError(new Error('no')) : undefined,
      )
      for (let index = 0; index < cpusOf(nodes) + 3; index++) {
        await client.create('Pod', makePod(`pod-${index}`, { cpu: '1' }))
        if (random() < 0.3) client.dropWatches()
        if (random() < 0.1) client.compact()
        await clock.advance(Math.floor(random() * 400))
      }
      client.failWith(undefined)
      await clock.advance(60_000)

      const { items } = await client.list('Pod')
      const bound = items.filter(({ spec }) => spec.nodeName)
      expect(bound).toHaveLength(cpusOf(nodes))
      for (const [, pods] of Map.groupBy(bound, ({ spec }) => spec.nodeName)) expect(pods.length).toBeLessThanOrEqual(4)

      // One leaves: one that waits takes its place.
      await client.delete('Pod', bound[0]!.metadata)
      await clock.advance(20_000)
      expect((await client.list('Pod')).items.filter(({ spec }) => spec.nodeName)).toHaveLength(cpusOf(nodes))
      stop.abort()
      await running
    }),
    { numRuns: 15 },
  )
})
