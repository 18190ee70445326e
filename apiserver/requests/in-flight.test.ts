import { describe, expect, test } from 'vitest'
import { createInFlightLimit, isLongRunning } from './in-flight.ts'
import type { UserInfo } from '../auth/user.ts'
import { parseRequestInfo } from './request-info.ts'

const admin = { username: 'admin', groups: ['system:masters'] }
const tenant = (username: string) => ({ username, groups: ['system:authenticated'] })

describe('the limit of requests at work', () => {
  test('refuses what is beyond it and gives places back', () => {
    const limit = createInFlightLimit(1, 1)
    const leave = limit.enter(false, admin)
    limit.enter(true, admin)
    expect(() => limit.enter(false, admin)).toThrow('Too many requests')
    leave()
    expect(() => limit.enter(false, admin)).not.toThrow()
  })
  test('of zero is none', () => {
    const limit = createInFlightLimit(0, 0)
    for (let i = 0; i < 1000; i++) limit.enter(true, tenant('a'))
    expect(limit.running().mutating).toBe(1000)
  })
  test('leaves half to others than one tenant, and a quarter to the cluster', () => {
    const limit = createInFlightLimit(0, 8)
    const fill = (user: UserInfo) => {
      const leaves: (() => void)[] = []
      try {
        for (;;) leaves.push(limit.enter(true, user))
      } catch (error) {
        expect((error as Error).message).toContain('Too many requests')
      }
      return leaves
    }
    const ofEve = fill(tenant('eve'))
    expect([ofEve.length, fill(tenant('bob')).length, fill(tenant('ann')).length]).toEqual([4, 2, 0])
    expect(fill({ username: 'system:node:n', groups: ['system:nodes'] })).toHaveLength(2)
    ofEve.forEach((leave) => leave())
    expect(limit.running().mutating).toBe(4)
    expect(fill(tenant('ann'))).toHaveLength(4)
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
