import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { cheapestToLose } from '../victims.ts'
import { reconcile, replicaSet } from './replica-set.ts'

const labels = { app: 'web' }

function withReplicaSet(replicas: number): Model {
  const model = createModel([replicaSet])
  model.add('ReplicaSet', {
    metadata: { namespace: 'default', name: 'web' },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels } as never, spec: { containers: [] } } },
  })
  return model
}

const markReady = (pod: Pod, since = '2026-01-01T00:00:00Z') => {
  pod.status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }] }
}

const pod = (name: string, changes: Partial<Pod> = {}, cost?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  spec: { containers: [], nodeName: 'a' },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
  ...changes,
  metadata: {
    name,
    uid: name,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...(cost ? { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } } : {}),
  },
})

describe('ReplicaSet', () => {
  it('creates what is missing, tells of it and reports it', () => {
    const model = withReplicaSet(3)
    model.settle(replicaSet)
    expect(model.list('Pod')).toHaveLength(3)
    expect(model.list('Pod')[0]?.metadata.name).toMatch(/^web-/)
    expect(model.get('ReplicaSet', 'default/web')?.status).toMatchObject({
      replicas: 3,
      fullyLabeledReplicas: 3,
      observedGeneration: 1,
    })
    expect(model.events.map(({ reason }) => reason)).toEqual(['SuccessfulCreate', 'SuccessfulCreate', 'SuccessfulCreate'])
    expect(model.events[0]?.message).toBe(`Created pod: ${model.list('Pod')[0]?.metadata.name}`)
  })

  it('replaces pods that finished or are being deleted', () => {
    const model = withReplicaSet(2)
    model.settle(replicaSet)
    const [first, second] = model.list('Pod').map(({ metadata }) => `default/${metadata.name}`)
    model.change('Pod', first!, (pod) => void (pod.status = { phase: 'Failed' }))
    model.change('Pod', second!, (pod) => void (pod.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'))
    model.settle(replicaSet)
    expect(model.list('Pod')).toHaveLength(4)
    expect(model.get('ReplicaSet', 'default/web')?.status).toMatchObject({ replicas: 2, terminatingReplicas: 1 })
  })

  it('adopts orphans that match and releases pods that no longer do', () => {
    const model = withReplicaSet(2)
    model.add('Pod', { metadata: { namespace: 'default', name: 'orphan', labels }, spec: { containers: [] } })
    model.settle(replicaSet)
    expect(model.list('Pod')).toHaveLength(2)
    expect(model.get('Pod', 'default/orphan')?.metadata.ownerReferences).toMatchObject([
      { kind: 'ReplicaSet', name: 'web', controller: true },
    ])
    model.change('Pod', 'default/orphan', (pod) => void (pod.metadata.labels = { app: 'other' }))
    model.settle(replicaSet)
    expect(model.get('Pod', 'default/orphan')?.metadata.ownerReferences).toEqual([])
    expect(model.list('Pod')).toHaveLength(3)
  })

  it('leaves everything to the garbage collector once it is deleted', () => {
    const model = withReplicaSet(2)
    model.change('ReplicaSet', 'default/web', (rs) => void (rs.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'))
    model.settle(replicaSet)
    expect(model.list('Pod')).toHaveLength(0)
  })

  it('counts a pod as available only after minReadySeconds, and looks again by then', () => {
    const model = withReplicaSet(1)
    model.change('ReplicaSet', 'default/web', (rs) => void (rs.spec.minReadySeconds = 10))
    model.settle(replicaSet)
    model.change('Pod', `default/${model.list('Pod')[0]?.metadata.name}`, (pod) => markReady(pod))
    const rs = model.get('ReplicaSet', 'default/web')!
    const actions = reconcile(rs, replicaSet.observe(rs, model.cache), new Date('2026-01-01T00:00:04Z'))
    expect(actions.at(-1)).toEqual({ do: 'requeue', afterMs: 6000 })
    model.now = new Date('2026-01-01T00:00:10Z')
    model.settle(replicaSet)
    expect(model.get('ReplicaSet', 'default/web')?.status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 })
  })

  it('says ReplicaFailure when a pod cannot be made, and takes it back when one can', () => {
    const model = withReplicaSet(1)
    const rs = model.get('ReplicaSet', 'default/web')!
    const [attempt] = reconcile(rs, { pods: [], related: [], namespaceTerminating: false }, model.now)
    if (attempt?.do !== 'attempt') throw new Error('expected an attempt')
    model.apply(attempt.failed(new Error('quota exceeded')))
    expect(model.events).toEqual([{ reason: 'FailedCreate', message: 'Error creating: quota exceeded' }])
    expect(model.get('ReplicaSet', 'default/web')?.status?.conditions).toMatchObject([
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' },
    ])
    model.settle(replicaSet)
    expect(model.get('ReplicaSet', 'default/web')?.status?.conditions).toBeUndefined()
  })

  it('settles at the wanted size from any start, and then writes nothing', () => {
    fc.assert(
      fc.property(
        fc.nat(8),
        fc.nat(8),
        fc.array(fc.constantFrom('ready', 'failed', 'deleted', 'relabelled'), { maxLength: 8 }),
        (from, to, fates) => {
          const model = withReplicaSet(from)
          model.settle(replicaSet)
          const keys = model.list('Pod').map(({ metadata }) => `default/${metadata.name}`)
          fates.slice(0, keys.length).forEach((fate, index) =>
            model.change('Pod', keys[index]!, (pod) => {
              if (fate === 'ready') markReady(pod)
              if (fate === 'failed') pod.status = { phase: 'Failed' }
              if (fate === 'deleted') pod.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
              if (fate === 'relabelled') pod.metadata.labels = { app: 'other' }
            }),
          )
          model.change('ReplicaSet', 'default/web', (rs) => void (rs.spec.replicas = to))
          model.settle(replicaSet)
          expect(model.get('ReplicaSet', 'default/web')?.status?.replicas).toBe(to)
          expect(model.run(replicaSet)).toBe(0)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('the order in which pods are given up', () => {
  const now = new Date('2026-01-02T00:00:00Z')
  const notReady: Partial<Pod> = { status: { phase: 'Running' } }
  const readySince = (since: string): Partial<Pod> => ({
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }] },
  })
  const crowdOf = (pod: Pod) => (pod.metadata.name === 'crowded' ? 3 : 1)
  it.each<[string, Pod, Pod]>([
    ['unassigned before assigned', pod('z', { spec: { containers: [] } }), pod('a')],
    ['pending before running', pod('z', { status: { phase: 'Pending' } }), pod('a', notReady)],
    ['not ready before ready', pod('z', notReady), pod('a')],
    ['cheaper before dearer', pod('z', {}, '-5'), pod('a')],
    ['a malformed cost counts as none', pod('z', {}, '-1'), pod('a', {}, '007')],
    ['on a crowded node before others', pod('crowded'), pod('a')],
    ['ready for less time before longer', pod('z', readySince('2026-01-01T23:59:00Z')), pod('a')],
  ])('%s', (_, first, second) => {
    expect(cheapestToLose([second, first], crowdOf, now).map(({ metadata }) => metadata.name)).toEqual([
      first.metadata.name,
      second.metadata.name,
    ])
  })

  it('takes ages of one magnitude as equal and lets the UID decide', () => {
    const a = pod('a', readySince('2026-01-01T10:00:00Z'))
    const b = pod('b', readySince('2026-01-01T11:00:00Z'))
    expect(cheapestToLose([b, a], () => 1, now)[0]).toBe(a)
  })
})
