import { expect, it } from 'vitest'
import type { Node } from '../../api/generated/types.ts'
import { createEventRecorder } from '../../client/event-recorder.ts'
import { createMemoryApiClient } from '../../client/memory-api-client.ts'
import { runController } from '../../client/run-controller.ts'
import { createSharedInformers } from '../../client/shared-informers.ts'
import { createTestClock } from '../../component/clock.ts'
import { silentLogger as logger } from '../../component/logger.ts'
import { createNodeLifecycle } from './node-lifecycle.ts'

const rates = { evictionRate: 10, secondaryEvictionRate: 1, largeZoneSize: 50, unhealthyThreshold: 0.55 }

async function withNodes(names: string[]) {
  const client = createMemoryApiClient()
  const clock = createTestClock()
  const stop = new AbortController()
  const informers = createSharedInformers(client, { clock, logger, signal: stop.signal })
  const recorder = createEventRecorder({ client, clock, logger, component: 'node-controller' })
  const lifecycle = createNodeLifecycle({ gracePeriodMs: 40_000, ...rates })
  const running = runController(lifecycle, { client, informers, recorder, clock, logger }, stop.signal)
  for (const name of names) await client.create('Node', { metadata: { name }, spec: {} })
  const report = async (name: string) => {
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: clock.now().toISOString() }]
    await client.patch(
      'Node',
      { name },
      { status: { conditions } },
      { type: 'application/merge-patch+json', subresource: 'status' },
    )
  }
  return {
    /** Half a minute in which these nodes are heard of. */
    async hear(...alive: string[]) {
      for (let second = 0; second < 30; second += 10) {
        for (const name of alive) await report(name)
        await clock.advance(10_000)
      }
    },
    async evicted() {
      const { items } = await client.list('Node')
      const isEvicted = ({ spec }: Node) => spec?.taints?.some(({ effect }) => effect === 'NoExecute')
      return items.filter(isEvicted).map(({ metadata }) => metadata.name)
    },
    async end() {
      stop.abort()
      await running.finished
    },
  }
}

it('the pods of a lost node are evicted only while some other node is heard of, whichever was lost first', async () => {
  const { hear, evicted, end } = await withNodes(['a', 'b'])
  await hear('a', 'b')
  await hear('b')
  await hear('b')
  expect(await evicted()).toEqual(['a'])
  await hear()
  await hear()
  expect(await evicted()).toEqual([])
  await hear('b')
  expect(await evicted()).toEqual(['a'])
  await end()
})
