import { describe, expect, it } from 'vitest'
import { isWorthCollecting } from './idle-collection.ts'

const mb = (count: number) => count << 20

describe('collecting an idle heap', () => {
  it.each([
    ['the garbage of a burst, once idle', { usedBytes: mb(70), floorBytes: mb(26), cpuShare: 0.005 }, true],
    ['what start-up left behind', { usedBytes: mb(30), floorBytes: 0, cpuShare: 0.01 }, true],
    ['nothing while there is work', { usedBytes: mb(70), floorBytes: mb(26), cpuShare: 0.2 }, false],
    ['nothing when little was added', { usedBytes: mb(31), floorBytes: mb(26), cpuShare: 0 }, false],
    ['nothing when little was added to much', { usedBytes: mb(120), floorBytes: mb(100), cpuShare: 0 }, false],
    ['nothing when the pause would be felt', { usedBytes: mb(600), floorBytes: mb(100), cpuShare: 0 }, false],
  ])('takes %s: %o', (_what, look, expected) => {
    expect(isWorthCollecting(look)).toBe(expected)
  })
})
