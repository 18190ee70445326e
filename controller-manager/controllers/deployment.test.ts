import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeploymentSpec } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { findCondition } from '../conditions.ts'
import { deployment } from './deployment.ts'
import { revisionOf } from './deployment/replica-sets.ts'
import { replicaSet } from './replica-set.ts'

const labels = { app: 'web' }
const template = (image: string) => ({ metadata: { labels } as never, spec: { containers: [{ name: 'web', image }] } })

function withDeployment(spec: Partial<DeploymentSpec> = {}): Model {
  const model = createModel([replicaSet, deployment])
  model.add('Deployment', {
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: template('v1'),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      ...spec,
    },
  })
  return model
}

const current = (model: Model) => model.get('Deployment', 'default/web')!
const conditionsOf = (model: Model) =>
  (current(model).status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`)
const sizes = (model: Model) => model.list('ReplicaSet').map(({ spec }) => spec.replicas)

/** What the kubelet does: every pod becomes ready. */
function makeReady(model: Model, limit = Infinity): number {
  const waiting = model
    .list('Pod')
    .filter((pod) => !pod.status?.conditions)
    .slice(0, limit)
  for (const { metadata } of waiting) {
    model.change('Pod', `default/${metadata.name}`, (pod) => {
      pod.status = {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      }
    })
  }
  return waiting.length
}

function roll(model: Model): void {
  do model.settle(deployment, replicaSet)
  while (makeReady(model) > 0)
}

const setImage = (model: Model, image: string) =>
  model.change('Deployment', 'default/web', (d) => void (d.spec.template = template(image)))

describe('Deployment', () => {
  it('makes a replica set of the full size with hash, revision and size annotations', () => {
    const model = withDeployment()
    model.settle(deployment, replicaSet)
    const [rs] = model.list('ReplicaSet')
    const hash = rs?.metadata.labels?.['pod-template-hash']
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/)
    expect(rs?.metadata).toMatchObject({
      name: `web-${hash}`,
      annotations: {
        'deployment.kubernetes.io/revision': '1',
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
      },
    })
    expect(rs?.spec).toMatchObject({ replicas: 3, selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } } })
    expect(current(model).metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' })
    expect(model.events[0]).toEqual({ reason: 'ScalingReplicaSet', message: `Scaled up replica set web-${hash} from 0 to 3` })
    expect(conditionsOf(model)).toEqual(['Available=False MinimumReplicasUnavailable', 'Progressing=True ReplicaSetUpdated'])
  })

  it('reports a finished rollout', () => {
    const model = withDeployment()
    roll(model)
    expect(current(model).status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      observedGeneration: 1,
    })
    expect(conditionsOf(model)).toEqual(['Available=True MinimumReplicasAvailable', 'Progressing=True NewReplicaSetAvailable'])
    const { message } = findCondition(current(model).status?.conditions, 'Progressing')!
    expect(message).toBe(`ReplicaSet "${model.list('ReplicaSet')[0]?.metadata.name}" has successfully progressed.`)
  })

  it('never leaves its limits while it rolls', () => {
    const model = withDeployment({ replicas: 10 })
    roll(model)
    setImage(model, 'v2')
    for (let step = 0; step < 100; step++) {
      model.run(deployment)
      model.run(replicaSet)
      const pods = model.list('Pod')
      expect(pods.length).toBeLessThanOrEqual(13)
      expect(pods.filter((pod) => pod.status?.conditions).length).toBeGreaterThanOrEqual(8)
      if (step % 3 === 0) makeReady(model, 2)
    }
    expect(sizes(model)).toEqual([0, 10])
    expect(model.list('ReplicaSet').map(revisionOf)).toEqual([1n, 2n])
  })

  it('gives up unhealthy old pods first', () => {
    const model = withDeployment({
      replicas: 4,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
    })
    model.settle(deployment, replicaSet)
    makeReady(model, 3)
    model.settle(deployment, replicaSet)
    setImage(model, 'v2')
    model.settle(deployment, replicaSet)
    expect(model.list('Pod').filter((pod) => pod.status?.conditions)).toHaveLength(3)
    expect(sizes(model)).toEqual([3, 2])
  })

  it('comes back to an old template under a new revision', () => {
    const model = withDeployment()
    roll(model)
    setImage(model, 'v2')
    roll(model)
    setImage(model, 'v1')
    roll(model)
    expect(sizes(model)).toEqual([3, 0])
    expect(model.list('ReplicaSet')[0]?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    })
    expect(current(model).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3')
  })

  it('rolls back by annotation and clears it', () => {
    const model = withDeployment()
    roll(model)
    setImage(model, 'v2')
    roll(model)
    model.change('Deployment', 'default/web', ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, 'deprecated.deployment.rollback.to': '1' }
    })
    roll(model)
    expect(current(model).spec.template).toEqual(template('v1'))
    expect(current(model).metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '3' })
    expect(model.events).toContainEqual({ reason: 'DeploymentRollback', message: 'Rolled back deployment "web" to revision 1' })
  })

  it('keeps only so many old replica sets', () => {
    const model = withDeployment({ revisionHistoryLimit: 1 })
    for (const image of ['v1', 'v2', 'v3', 'v4']) {
      setImage(model, image)
      roll(model)
    }
    expect(model.list('ReplicaSet').map(revisionOf)).toEqual([3n, 4n])
  })

  it('spreads a change of size over both replica sets in the middle of a rollout', () => {
    const model = withDeployment({
      replicas: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
    })
    roll(model)
    setImage(model, 'v2')
    model.settle(deployment, replicaSet)
    expect(sizes(model)).toEqual([8, 5])
    model.change('Deployment', 'default/web', (d) => void (d.spec.replicas = 15))
    model.run(deployment)
    expect(sizes(model)).toEqual([11, 7])
  })

  it('does nothing but scale while it is paused', () => {
    const model = withDeployment()
    roll(model)
    model.change('Deployment', 'default/web', (d) => void (d.spec.paused = true))
    setImage(model, 'v2')
    model.change('Deployment', 'default/web', (d) => void (d.spec.replicas = 5))
    model.settle(deployment, replicaSet)
    expect(sizes(model)).toEqual([5])
    expect(conditionsOf(model)).toContain('Progressing=Unknown DeploymentPaused')
    model.change('Deployment', 'default/web', (d) => void (d.spec.paused = false))
    model.run(deployment)
    expect(conditionsOf(model)).toContain('Progressing=True NewReplicaSetCreated')
  })

  it('runs nothing new before everything old is gone with Recreate', () => {
    const model = withDeployment({ strategy: { type: 'Recreate' } })
    roll(model)
    setImage(model, 'v2')
    model.run(deployment)
    expect(sizes(model)).toEqual([0])
    model.run(deployment)
    expect(sizes(model)).toEqual([0])
    roll(model)
    expect(sizes(model)).toEqual([0, 3])
  })

  it('says so when the deadline passes without progress', () => {
    const model = withDeployment()
    model.settle(deployment, replicaSet)
    const d = current(model)
    expect(deployment.reconcile(d, deployment.observe(d, model.cache), model.now)).toEqual([{ do: 'requeue', afterMs: 601_000 }])
    model.now = new Date('2026-01-01T00:10:01Z')
    model.settle(deployment, replicaSet)
    expect(conditionsOf(model)).toContain('Progressing=False ProgressDeadlineExceeded')
  })

  it('takes another hash when its name is taken', () => {
    const model = withDeployment()
    model.settle(deployment)
    const [rs] = model.list('ReplicaSet')
    const other = withDeployment()
    other.add('ReplicaSet', {
      metadata: { namespace: 'default', name: rs!.metadata.name },
      spec: { replicas: 0, selector: { matchLabels: { a: 'b' } } },
    })
    other.settle(deployment)
    expect(current(other).status?.collisionCount).toBe(1)
    expect(other.list('ReplicaSet')).toHaveLength(2)
  })

  it('refuses to select everything', () => {
    const model = withDeployment({ selector: {} })
    model.run(deployment)
    expect(model.events[0]?.reason).toBe('SelectingAll')
    expect(model.list('ReplicaSet')).toHaveLength(0)
  })

  it('settles after any sequence of changes, complete, and then writes nothing', () => {
    const change = fc.oneof(
      fc.record({ image: fc.constantFrom('v1', 'v2', 'v3') }),
      fc.record({ replicas: fc.nat(12) }),
      fc.record({ ready: fc.nat(5) }),
      fc.record({ passes: fc.nat(3) }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom<[number, number]>([1, 0], [0, 1], [3, 2]),
        fc.array(change, { maxLength: 12 }),
        ([maxSurge, maxUnavailable], changes) => {
          const model = withDeployment({ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } })
          for (const one of changes) {
            if ('image' in one) setImage(model, one.image)
            if ('replicas' in one) model.change('Deployment', 'default/web', (d) => void (d.spec.replicas = one.replicas))
            if ('ready' in one) makeReady(model, one.ready)
            if ('passes' in one) for (let pass = 0; pass < one.passes * 2; pass++) model.run(pass % 2 ? replicaSet : deployment)
          }
          roll(model)
          const wanted = current(model).spec.replicas ?? 0
          expect(current(model).status?.availableReplicas ?? 0).toBe(wanted)
          expect(current(model).status?.updatedReplicas ?? 0).toBe(wanted)
          expect(model.list('Pod')).toHaveLength(wanted)
          expect(model.run(deployment) + model.run(replicaSet)).toBe(0)
        },
      ),
      { numRuns: 40 },
    )
  })
})
