import { describe, expect, it } from 'vitest'
import type { DaemonSetSpec, Pod, Taint } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { createDaemonSetController } from './daemon-set.ts'
import { targetNode } from './daemon-set/placement.ts'

const labels = { app: 'agent' }
const daemonSet = createDaemonSetController()
const template = (image: string) => ({ metadata: { labels } as never, spec: { containers: [{ name: 'c', image }] } })

function withDaemonSet(nodes: number, spec: Partial<DaemonSetSpec> = {}): Model {
  const model = createModel([daemonSet])
  for (let index = 0; index < nodes; index++) addNode(model, `n${index}`)
  model.add('DaemonSet', {
    metadata: { namespace: 'default', name: 'agent' },
    spec: {
      selector: { matchLabels: labels },
      template: template('v1'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      ...spec,
    },
  })
  return model
}

const addNode = (model: Model, name: string, taints: Taint[] = [], nodeLabels = {}) =>
  model.add('Node', { metadata: { name, labels: nodeLabels }, spec: { taints } })
const status = (model: Model) => model.get('DaemonSet', 'default/agent')!.status!
const nodesOf = (model: Model) =>
  model
    .list('Pod')
    .map((pod) => targetNode(pod) ?? '')
    .toSorted()

function makeReady(model: Model): number {
  const waiting = model.list('Pod').filter((pod) => !pod.status?.conditions)
  for (const { metadata } of waiting) {
    model.change('Pod', `default/${metadata.name}`, (pod) => {
      pod.spec.nodeName = targetNode(pod)
      pod.status = {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      }
    })
  }
  return waiting.length
}

function roll(model: Model): void {
  do model.settle(daemonSet)
  while (makeReady(model) > 0)
}

const ready = (pod: Pod) => Boolean(pod.status?.conditions)

describe('DaemonSet', () => {
  it('puts one pod on each node, bound by affinity, and reports them', () => {
    const model = withDaemonSet(3)
    roll(model)
    expect(nodesOf(model)).toEqual(['n0', 'n1', 'n2'])
    expect(status(model)).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
      numberMisscheduled: 0,
    })
    expect(model.list('ControllerRevision')).toMatchObject([
      { revision: 1, metadata: { ownerReferences: [{ kind: 'DaemonSet' }] } },
    ])
  })

  it('follows nodes that come, and leaves those whose taints it does not tolerate', () => {
    const model = withDaemonSet(1)
    addNode(model, 'tainted', [{ key: 'dedicated', effect: 'NoSchedule' }])
    addNode(model, 'lost', [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }])
    roll(model)
    expect(nodesOf(model)).toEqual(['lost', 'n0'])
    model.change('Node', 'n0', ({ spec }) => void (spec.taints = [{ key: 'dedicated', effect: 'NoExecute' }]))
    roll(model)
    expect(nodesOf(model)).toEqual(['lost'])
  })

  it('leaves one pod on a node where a lost answer and a new template have left two', () => {
    const model = withDaemonSet(1)
    roll(model)
    const [first] = model.list('Pod')
    const { uid: _uid, name: _name, ...metadata } = first!.metadata
    const labels = { ...metadata.labels, 'controller-revision-hash': 'older' }
    const before = new Date(model.now.getTime() - 60_000).toISOString()
    const older = model.add('Pod', { ...first!, metadata: { ...metadata, labels, creationTimestamp: before } })
    model.run(daemonSet)
    expect(model.list('Pod').map(({ metadata: { name } }) => name)).toEqual([older.metadata.name])
    roll(model)
    expect(model.list('Pod').map((pod) => pod.metadata.labels?.['controller-revision-hash'])).not.toContain('older')
    expect(nodesOf(model)).toEqual(['n0'])
  })

  it('goes only where its node selector and affinity say', () => {
    const spec = template('v1')
    const model = withDaemonSet(1, { template: { ...spec, spec: { ...spec.spec, nodeSelector: { disk: 'ssd' } } } })
    addNode(model, 'fast', [], { disk: 'ssd' })
    roll(model)
    expect(nodesOf(model)).toEqual(['fast'])
  })

  it('replaces pods that have failed', () => {
    const model = withDaemonSet(1)
    roll(model)
    const [pod] = model.list('Pod')
    model.change('Pod', `default/${pod!.metadata.name}`, (changed) => void (changed.status = { phase: 'Failed' }))
    roll(model)
    expect(model.list('Pod')[0]?.metadata.uid).not.toBe(pod?.metadata.uid)
    expect(model.events.map(({ reason }) => reason)).toContain('FailedDaemonPod')
  })

  it.each([
    ['without surge one is missing at most', { maxUnavailable: 1 }, 3, 4],
    ['with surge none is ever missing', { maxSurge: 1, maxUnavailable: 0 }, 4, 5],
  ])('rolls node by node: %s', (_, rollingUpdate, atLeast, atMost) => {
    const model = withDaemonSet(4, { updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
    roll(model)
    model.change('DaemonSet', 'default/agent', ({ spec }) => void (spec.template = template('v2')))
    for (let pass = 0; pass < 40; pass++) {
      model.run(daemonSet)
      expect(model.list('Pod').filter(ready).length).toBeGreaterThanOrEqual(atLeast)
      expect(model.list('Pod').length).toBeLessThanOrEqual(atMost)
      if (pass % 2) makeReady(model)
    }
    expect(status(model)).toMatchObject({ updatedNumberScheduled: 4, numberAvailable: 4 })
    expect(model.list('Pod').map(({ spec }) => spec.containers[0]?.image)).toEqual(['v2', 'v2', 'v2', 'v2'])
    expect(model.list('ControllerRevision').map(({ revision }) => revision)).toEqual([1, 2])
  })

  it('replaces pods that fail again and again more and more slowly, and at once with a new template', () => {
    const model = withDaemonSet(1)
    const failNow = () => {
      const [pod] = model.list('Pod')
      model.change('Pod', `default/${pod!.metadata.name}`, (failed) => void (failed.status = { phase: 'Failed' }))
      model.settle(daemonSet)
      return model.get('Pod', `default/${pod!.metadata.name}`) !== undefined
    }
    const later = (ms: number) => {
      model.now = new Date(model.now.getTime() + ms)
      model.settle(daemonSet)
    }
    const [object] = model.list('DaemonSet')
    model.settle(daemonSet)
    expect(failNow()).toBe(false)
    expect(failNow()).toBe(true)
    const actions = daemonSet.reconcile(object!, daemonSet.observe(object!, model.cache), model.now)
    expect(actions.at(-1)).toEqual({ do: 'requeue', afterMs: 1_000 })
    later(1_000)
    expect(model.list('Pod').every(({ status }) => status?.phase !== 'Failed')).toBe(true)
    expect(failNow()).toBe(true)
    later(1_000)
    expect(model.list('Pod').some(({ status }) => status?.phase === 'Failed')).toBe(true)
    model.change('DaemonSet', 'default/agent', ({ spec }) => void (spec.template = template('v2')))
    model.settle(daemonSet)
    expect(model.list('Pod').every(({ status }) => status?.phase !== 'Failed')).toBe(true)
  })

  it('replaces nothing by itself with OnDelete', () => {
    const model = withDaemonSet(2, { updateStrategy: { type: 'OnDelete' } })
    roll(model)
    model.change('DaemonSet', 'default/agent', ({ spec }) => void (spec.template = template('v2')))
    roll(model)
    expect(status(model).updatedNumberScheduled).toBeUndefined()
    model.delete('Pod', `default/${model.list('Pod')[0]!.metadata.name}`)
    roll(model)
    expect(status(model).updatedNumberScheduled).toBe(1)
  })
})
