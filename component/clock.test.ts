import { expect, test } from 'vitest'
import { createTestClock } from './clock.ts'

test('timers run in order of their time, also those that a timer starts', async () => {
  const clock = createTestClock()
  const seen: string[] = []
  clock.setTimeout(() => seen.push('b'), 20)
  clock.setTimeout(() => {
    seen.push('a')
    clock.setTimeout(() => seen.push('c'), 15)
  }, 10)
  clock.setTimeout(() => seen.push('never'), 30)()
  await clock.advance(24)
  expect(seen).toEqual(['a', 'b'])
  await clock.advance(1)
  expect(seen).toEqual(['a', 'b', 'c'])
  expect(clock.now().toISOString()).toBe('2026-01-01T00:00:00.025Z')
})

test('an aborted sleep ends at once and leaves no timer', async () => {
  const clock = createTestClock()
  const stop = new AbortController()
  const sleeping = clock.sleep(1000, stop.signal)
  stop.abort()
  await sleeping
  expect(clock.pending()).toBe(0)
})
