import { expect, it } from 'vitest'
import { pathLines } from './route-commands.ts'

const lab = { name: 'lab', index: 3, nodes: ['node-1', 'node-2'], internet: false }
const paths = (of: Record<string, string[]>) => new Map(Object.entries(of))
const group = (hops: string) => `nexthop replace id 1129 group ${hops} type resilient buckets 128 idle_timer 300`

it.each([
  [
    'a new address gets a group and a route',
    {},
    { '172.30.3.129': ['node-1', 'node-2'] },
    [group('1/2'), 'route replace 172.30.3.129/32 nhid 1129 proto 196'],
  ],
  ['a lost node changes the group alone', { '172.30.3.129': ['node-1', 'node-2'] }, { '172.30.3.129': ['node-2'] }, [group('2')]],
  ['what is as it was is left alone', { '172.30.3.129': ['node-1'] }, { '172.30.3.129': ['node-1'] }, []],
  ['an address that is gone takes its route along', { '172.30.3.129': ['node-1'] }, {}, ['nexthop del id 1129']],
] as [string, Record<string, string[]>, Record<string, string[]>, string[]][])('%s', (_, before, after, lines) => {
  expect(pathLines(lab, paths(before), paths(after))).toEqual(lines)
})
