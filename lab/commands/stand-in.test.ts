import { expect, it } from 'vitest'
import type { ProcessSpec } from '../processes.ts'
import { commandText, findLeftOut } from './stand-in.ts'

const spec = (name: string): ProcessSpec => ({ name, after: [], command: [] })

it('a command line is written as its program and then a flag a line, so that a shell reads the same words again', () => {
  expect(
    commandText([
      '/bin/node',
      '--no-warnings',
      '/dist/kubelet.js',
      '--node-ip=172.30.0.11',
      '--eviction-hard=memory.available<50Mi',
      "it's",
    ]),
  ).toBe(
    [
      '/bin/node --no-warnings /dist/kubelet.js \\',
      '  --node-ip=172.30.0.11 \\',
      "  '--eviction-hard=memory.available<50Mi' \\",
      String.raw`  'it'\''s'`,
    ].join('\n'),
  )
})

it('nothing stands in for what the lab runs itself', () => {
  const leftOut = [spec('kube-scheduler'), spec('kubelet-node-1')]
  expect(findLeftOut(leftOut, 'kubelet-node-1', 'mine')).toBe(leftOut[1])
  expect(() => findLeftOut(leftOut, 'etcd', 'mine')).toThrow(
    'Cannot stand in for etcd in the lab "mine": what it left out is kube-scheduler, kubelet-node-1',
  )
  expect(() => findLeftOut([], 'etcd', 'lab')).toThrow('Cannot stand in for etcd in the lab "lab": it left out nothing')
})
