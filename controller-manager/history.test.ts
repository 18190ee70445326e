import { expect, test } from 'vitest'
import type { ControllerRevision, DaemonSet } from '../api/generated/types.ts'
import { planHistory } from './history.ts'

const owner = {
  metadata: { name: 'web', namespace: 'default', uid: 'u' },
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  spec: {
    template: {
      spec: { containers: [{ name: 'c', image: 'i', env: [{ value: 'v', name: 'N' }] }], restartPolicy: 'Always' },
      metadata: { labels: { a: 'b' } },
    },
  },
} as unknown as DaemonSet

const created = () => {
  const [action] = planHistory(owner, [], undefined).actions
  return (action as unknown as { object: ControllerRevision }).object
}

test('a revision is, byte for byte, what a client written in Go computes from its owner', () => {
  expect(JSON.stringify(created().data)).toBe(
    '{"spec":{"template":{"$patch":"replace","metadata":{"creationTimestamp":null,"labels":{"a":"b"}},' +
      '"spec":{"containers":[{"env":[{"name":"N","value":"v"}],"image":"i","name":"c","resources":{}}],"restartPolicy":"Always"}}}}',
  )
})

test('a revision written without the empty fields is the same revision', () => {
  const { template } = owner.spec
  const before = { ...created(), data: { spec: { template: { ...template, $patch: 'replace' } } } } as ControllerRevision
  expect(planHistory(owner, [before], undefined)).toMatchObject({ actions: [], current: { revision: 1 } })
})
