import { expect, test } from 'vitest'
import { createTestClock } from '../component/clock.ts'
import { createMemoryApiClient } from './memory-api-client.ts'
import { waitFor, WaitTimeoutError } from './wait-for.ts'

const key = { namespace: 'default', name: 'a' }

test('resolves when the objects are as they should be, and not before', async () => {
  const client = createMemoryApiClient()
  const clock = createTestClock()
  let done = false
  const waiting = waitFor(client, 'ConfigMap', { ...key, timeoutMs: 1000, clock }, ([map]) => map?.data?.['x'] === '2').then(
    (maps) => {
      done = true
      return maps
    },
  )
  await client.create('ConfigMap', { metadata: key, data: { x: '1' } })
  await clock.advance(10)
  expect(done).toBe(false)
  await client.patch('ConfigMap', key, { data: { x: '2' } }, { type: 'application/merge-patch+json' })
  await clock.advance(10)
  expect((await waiting)[0]?.data).toEqual({ x: '2' })
  expect(clock.pending()).toBe(0)
})

test('gives up when time is up', async () => {
  const clock = createTestClock()
  const waiting = expect(
    waitFor(createMemoryApiClient(), 'Pod', { ...key, timeoutMs: 1000, clock }, () => false),
  ).rejects.toThrow(WaitTimeoutError)
  await clock.advance(1000)
  await waiting
})
