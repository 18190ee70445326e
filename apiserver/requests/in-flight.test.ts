import { describe, expect, test } from 'vitest'
import { createInFlightLimit, isLongRunning } from './in-flight.ts'
import { parseRequestInfo } from './request-info.ts'

describe('the limit of requests at work', () => {
  test('refuses what is beyond it and gives places back', () => {
    const limit = createInFlightLimit(1, 1)
    const leave = limit.enter(false)
    limit.enter(true)
    expect(() => limit.enter(false)).toThrow('Too many requests')
    leave()
    expect(() => limit.enter(false)).not.toThrow()
  })
  test('of zero is none', () => {
    const limit = createInFlightLimit(0, 0)
    for (let i = 0; i < 1000; i++) limit.enter(true)
    expect(limit.running().mutating).toBe(1000)
  })
  test.each([
    ['watch', '', true],
    ['get', 'log', true],
    ['create', 'exec', true],
    ['get', '', false],
  ])('%s %s is long-running: %s', (verb, subresource, expected) => {
    expect(isLongRunning({ ...parseRequestInfo('GET', '/api/v1/pods'), verb, subresource })).toBe(expected)
  })
})
