import { expect, test } from 'vitest'
import { formatTrace, traceWrites, type WriteRecord } from './trace-writes.ts'

const base = { namespace: 'default' }
const write = (
  revision: number,
  time: number,
  actor: string,
  verb: string,
  resource: string,
  name: string,
  more: Partial<WriteRecord> = {},
): WriteRecord => ({
  ...base,
  revision,
  time,
  actor,
  verb,
  resource,
  name,
  ...more,
})
const controller = (name: string) => `system:serviceaccount:kube-system:${name}`

const writes: WriteRecord[] = [
  write(10, 1000, 'admin', 'create', 'deployments', 'web'),
  write(11, 1002, controller('deployment-controller'), 'create', 'replicasets', 'web-1', { cause: 'deployments/default/web@10' }),
  write(12, 1003, 'someone', 'create', 'configmaps', 'other'),
  write(13, 1004, controller('replicaset-controller'), 'create', 'pods', 'web-1-a', { cause: 'replicasets/default/web-1@11' }),
  write(14, 1007, 'system:kube-scheduler', 'create', 'pods', 'web-1-a', {
    subresource: 'binding',
    cause: 'pods/default/web-1-a@13',
  }),
  write(15, 1100, 'system:node:node-1', 'patch', 'pods', 'web-1-a', { subresource: 'status', cause: 'pods/default/web-1-a@14' }),
  write(16, 1200, 'system:node:node-1', 'patch', 'pods', 'web-1-a', { subresource: 'status', cause: 'pods/default/web-1-a@15' }),
  write(17, 1210, controller('endpointslice-controller'), 'update', 'endpointslices', 'web-x', {
    cause: 'pods/default/web-1-a@16',
  }),
]

test('everything that a change caused is in its trace, and nothing else', () => {
  const nodes = traceWrites(writes, { resource: 'deployments', namespace: 'default', name: 'web' })!
  expect(nodes.map(({ write: { revision }, depth }) => [revision, depth])).toEqual([
    [10, 0],
    [11, 1],
    [13, 2],
    [14, 3],
    [15, 4],
    [16, 5],
    [17, 6],
  ])
})

test('the trace begins with the last change of the user', () => {
  const again = [...writes, write(20, 5000, 'admin', 'patch', 'deployments', 'web')]
  const nodes = traceWrites(again, { resource: 'deployments', namespace: 'default', name: 'web' })!
  expect(nodes.map(({ write: { revision } }) => revision)).toEqual([20])
})

test('a version that is not recorded counts as the write before it', () => {
  const gap = [...writes, write(30, 6000, 'x', 'update', 'pods', 'web-1-a', { cause: 'pods/default/web-1-a@25' })]
  const nodes = traceWrites(gap, { resource: 'deployments', namespace: 'default', name: 'web' })!
  expect(nodes.at(-1)!.write.revision).toBe(30)
})

test('what the server does not remember has no trace', () => {
  expect(traceWrites(writes, { resource: 'deployments', namespace: 'default', name: 'nope' })).toBeUndefined()
})

test('the waterfall names the steps and when each was reached', () => {
  const text = formatTrace(traceWrites(writes, { resource: 'deployments', namespace: 'default', name: 'web' })!)
  expect(text).toContain(' 3        2.0 ms')
  expect(text).toContain('deployment-controller creates replicasets/web-1')
  expect(text).toContain('kube-scheduler binds pods/web-1-a')
  expect(text).toMatch(/^7\. their status comes back +200\.0 ms$/m)
  expect(text).toMatch(/^8\. endpoints follow +210\.0 ms$/m)
})
