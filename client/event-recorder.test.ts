import { expect, test } from 'vitest'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { createEventRecorder } from './event-recorder.ts'
import { createMemoryApiClient } from './memory-api-client.ts'

const make = () => {
  const client = createMemoryApiClient()
  const clock = createTestClock()
  const recorder = createEventRecorder({ client, clock, logger: silentLogger, component: 'kubelet', host: 'node-1' })
  const events = async () => (await client.list('Event')).items.map(({ message, count }) => [message, count])
  return { client, clock, recorder, events }
}
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', uid: 'u' } }

test('repeats are counted on one event, in the default namespace for objects that have none', async () => {
  const { client, clock, recorder } = make()
  recorder.event(node, 'Normal', 'NodeReady', 'ready')
  await clock.advance(5000)
  recorder.event(node, 'Normal', 'NodeReady', 'ready')
  await recorder.flush()
  const { items } = await client.list('Event')
  expect(items).toHaveLength(1)
  expect(items[0]).toMatchObject({
    metadata: { namespace: 'default' },
    count: 2,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:05Z',
    source: { component: 'kubelet', host: 'node-1' },
    involvedObject: { kind: 'Node', name: 'node-1', uid: 'u' },
  })
})

test('from the tenth message for one reason on there is one event', async () => {
  const { recorder, events } = make()
  for (let index = 0; index < 14; index++) recorder.event(node, 'Warning', 'Failed', `message ${index}`)
  await recorder.flush()
  const all = await events()
  expect(all).toHaveLength(10)
  expect(all.at(-1)).toEqual(['(combined from similar events): message 13', 5])
})

test('a flood about one object is held back after 25', async () => {
  const { client, recorder } = make()
  for (let index = 0; index < 100; index++) recorder.event(node, 'Warning', 'Failed', 'again')
  await recorder.flush()
  expect((await client.list('Event')).items[0]!.count).toBe(25)
})
