import { expect, test } from 'vitest'
import { internalError } from '../api/status.ts'
import { createTestClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { createEventRecorder } from './event-recorder.ts'
import type { ApiClient } from './api-client.ts'
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

test('what is written only at the second try has happened once', async () => {
  const { client, clock, recorder, events } = make()
  let refusals = 1
  client.failWith(() => (refusals-- > 0 ? internalError('not now') : undefined))
  recorder.event(node, 'Normal', 'NodeReady', 'ready')
  const written = recorder.flush()
  await clock.advance(5000)
  await written
  expect(await events()).toEqual([['ready', 1]])
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

test('events give way to the other requests of their client, and are all written when these are done', async () => {
  const { client, clock } = make()
  let others = 3
  let writing = 0
  let most = 0
  const counted = async <T>(write: Promise<T>): Promise<T> => {
    most = Math.max(most, ++writing)
    return write.finally(() => writing--)
  }
  const shared: Pick<ApiClient, 'create' | 'patch' | 'inFlight'> = {
    create: (kind, object, options) => counted(client.create(kind, object, options)),
    patch: (kind, key, patch, options) => counted(client.patch(kind, key, patch, options)),
    inFlight: () => others + writing,
  }
  const recorder = createEventRecorder({ client: shared, clock, logger: silentLogger, component: 'kubelet' })
  const tell = async (uid: string) => {
    for (let index = 0; index < 10; index++)
      recorder.event({ ...node, metadata: { name: `${uid}-${index}`, uid: `${uid}-${index}` } }, 'Normal', 'Ready', 'ready')
    await recorder.flush()
  }
  await tell('busy')
  expect(most).toBe(1)
  others = 0
  await tell('quiet')
  expect(most).toBe(4)
  expect((await client.list('Event')).items).toHaveLength(20)
})
