import { describe, expect, it } from 'vitest'
import { nodePortAddresses, nodePortRangesProblem } from './local-addresses.ts'

const local = { machine: ['127.0.0.1', '172.30.0.11', '10.244.1.1', '::1', 'fd00::1'], node: ['172.30.0.11'] }

describe('node ports are on', () => {
  it.each<[string, string[], unknown]>([
    ['every address when no range is given', [], 'all'],
    ['every address when a range leaves nothing out', ['0.0.0.0/0'], 'all'],
    ['every address of a family that no range is of', ['fd00::/8'], 'all'],
    ['those in the ranges', ['172.30.0.0/16', '127.0.0.0/8'], ['127.0.0.1', '172.30.0.11']],
    ['none when the machine has none in the ranges', ['192.0.2.0/24'], []],
    ["the node's own when they are asked for", ['primary'], ['172.30.0.11']],
  ])('%s', (_, ranges, expected) => expect(nodePortAddresses(ranges, 'IPv4', local)).toEqual(expected))
})

it.each([
  [['10.0.0.0/33'], 'invalid range "10.0.0.0/33": must be a valid CIDR block, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
  [['eth0'], 'invalid range "eth0": must be a valid CIDR block, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
  [['primary', '10.0.0.0/8'], "can't use both 'primary' and CIDRs"],
  [['primary'], null],
  [['10.0.0.0/8', 'fd00::/64'], null],
])('the ranges %j: %s', (ranges, problem) => expect(nodePortRangesProblem(ranges)).toBe(problem))
