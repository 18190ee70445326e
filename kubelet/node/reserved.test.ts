import { expect, test } from 'vitest'
import { computeThresholds } from '../eviction/thresholds.ts'
import { addAmounts, readReserved, reservedForEviction } from './reserved.ts'

test('flags are read in the units of each resource', () => {
  expect(readReserved('kube-reserved', { cpu: '250m', memory: '1Gi' })).toEqual({ cpu: 250, memory: 2 ** 30 })
})

test.each([
  [{ disk: '1Gi' }, 'Cannot read --kube-reserved: "disk" is not one of cpu, memory, ephemeral-storage, pid'],
  [{ memory: '-1' }, 'Cannot read --kube-reserved: memory cannot be -1'],
])('%j is refused', (values, message) => {
  expect(() => readReserved('kube-reserved', values)).toThrow(message)
})

test('what hard thresholds keep free is not for pods; soft ones and inodes keep nothing', () => {
  const thresholds = computeThresholds({
    hard: { 'memory.available': '100Mi', 'nodefs.available': '10%', 'nodefs.inodesFree': '5%' },
    soft: { 'memory.available': '500Mi' },
    softGraceMs: { 'memory.available': 1000 },
    minReclaim: {},
  })
  expect(reservedForEviction(thresholds, { memory: 2 ** 31, 'ephemeral-storage': 1000 })).toEqual({
    memory: 100 * 2 ** 20,
    'ephemeral-storage': 100,
  })
})

test('reservations add up', () => {
  expect(addAmounts({ cpu: 100 }, { cpu: 50, memory: 1 }, {})).toEqual({ cpu: 150, memory: 1 })
})
