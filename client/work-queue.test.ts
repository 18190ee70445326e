import { expect, test } from 'vitest'
import { createTestClock } from '../component/clock.ts'
import { createMetrics } from '../component/metrics.ts'
import { createWorkQueue } from './work-queue.ts'

const make = () => {
  const clock = createTestClock()
  const metrics = createMetrics({ processMetrics: false })
  return { clock, metrics, queue: createWorkQueue({ name: 'test', clock, metrics }) }
}

test('a key that is added twice is handed out once', async () => {
  const { queue } = make()
  queue.add('a')
  queue.add('a')
  queue.add('b')
  expect(await queue.take()).toBe('a')
  expect(await queue.take()).toBe('b')
  expect(queue.length()).toBe(0)
})

test('a key that is worked on waits until it is done, however often it is added', async () => {
  const { queue } = make()
  queue.add('a')
  await queue.take()
  queue.add('a')
  queue.add('a')
  expect(queue.length()).toBe(0)
  queue.done('a')
  expect(queue.length()).toBe(1)
  expect(await queue.take()).toBe('a')
  queue.done('a')
  expect(queue.length()).toBe(0)
})

test('the earliest of several delays counts, and add cuts it short', async () => {
  const { queue, clock } = make()
  queue.addAfter('a', 100)
  queue.addAfter('a', 50)
  queue.addAfter('a', 200)
  queue.addAfter('b', 1000)
  await clock.advance(50)
  expect(await queue.take()).toBe('a')
  queue.add('b')
  expect(await queue.take()).toBe('b')
  expect(clock.pending()).toBe(0)
})

test('failures back off from 5 ms by doubling up to 1000 s, and are forgotten by success', async () => {
  const { queue, clock } = make()
  const waits: number[] = []
  for (let failure = 0; failure < 20; failure++) {
    const start = clock.now().getTime()
    queue.addRateLimited('a')
    while (queue.length() === 0) await clock.advance(failure < 5 ? 1 : 1000)
    waits.push(clock.now().getTime() - start)
    queue.done((await queue.take())!)
  }
  expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40])
  expect(waits.at(-1)).toBe(1_000_000)
  queue.forget('a')
  expect(queue.failures('a')).toBe(0)
})

test('shutting down frees the takers and refuses new keys', async () => {
  const { queue } = make()
  const taking = queue.take()
  queue.shutDown()
  queue.add('a')
  expect(await taking).toBeUndefined()
  expect(await queue.take()).toBeUndefined()
})

test('counts under upstream names', async () => {
  const { queue, metrics } = make()
  queue.add('a')
  expect(await metrics.render()).toContain('workqueue_depth{name="test"} 1')
  queue.done((await queue.take())!)
  const text = await metrics.render()
  expect(text).toContain('workqueue_adds_total{name="test"} 1')
  expect(text).toContain('workqueue_work_duration_seconds_count{name="test"} 1')
})
