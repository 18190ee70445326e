import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pod, StatefulSetSpec } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { statefulSet } from './stateful-set.ts'

const labels = { app: 'db' }
const template = (image: string) => ({ metadata: { labels } as never, spec: { containers: [{ name: 'c', image }] } })

function withSet(spec: Partial<StatefulSetSpec> = {}): Model {
  const model = createModel([statefulSet])
  model.add('StatefulSet', {
    metadata: { namespace: 'default', name: 'db' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: labels },
      template: template('v1'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
  })
  return model
}

/** As the API server stores it. */
const isNew = (pod: Pod) => !pod.status?.conditions
function makeReady(model: Model): number {
  const waiting = model.list('Pod').filter(isNew)
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
  do model.settle(statefulSet)
  while (makeReady(model) > 0)
}
const status = (model: Model) => model.get('StatefulSet', 'default/db')!.status!
const names = (model: Model) =>
  model
    .list('Pod')
    .map(({ metadata }) => metadata.name)
    .toSorted()
const images = (model: Model) => names(model).map((name) => model.get('Pod', `default/${name}`)?.spec.containers[0]?.image)
const change = (model: Model, edit: (spec: StatefulSetSpec) => void) =>
  model.change('StatefulSet', 'default/db', ({ spec }) => edit(spec))

describe('StatefulSet', () => {
  it('makes pods one by one, each with its name, host name and labels', () => {
    const model = withSet()
    model.settle(statefulSet)
    expect(names(model)).toEqual(['db-0'])
    expect(model.get('Pod', 'default/db-0')).toMatchObject({
      spec: { hostname: 'db-0', subdomain: 'db' },
      metadata: {
        labels: {
          app: 'db',
          'statefulset.kubernetes.io/pod-name': 'db-0',
          'apps.kubernetes.io/pod-index': '0',
          'controller-revision-hash': expect.stringMatching(/^db-/),
        },
      },
    })
    roll(model)
    expect(names(model)).toEqual(['db-0', 'db-1', 'db-2'])
    expect(status(model)).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
    })
    expect(status(model).currentRevision).toBe(status(model).updateRevision)
    expect(model.events[0]?.message).toBe('create Pod db-0 in StatefulSet db successful')
  })

  it('makes all at once when order does not matter', () => {
    const model = withSet({ podManagementPolicy: 'Parallel' })
    model.settle(statefulSet)
    expect(names(model)).toHaveLength(3)
  })

  it('gives each pod its own claims and keeps them when it goes', () => {
    const model = withSet({
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'data', uid: '' },
          spec: { accessModes: ['ReadWriteOnce'] },
        },
      ],
    })
    roll(model)
    expect(model.list('PersistentVolumeClaim').map(({ metadata }) => metadata.name)).toEqual([
      'data-db-0',
      'data-db-1',
      'data-db-2',
    ])
    expect(model.get('Pod', 'default/db-1')?.spec.volumes).toMatchObject([
      { name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } },
    ])
    change(model, (spec) => void (spec.replicas = 1))
    roll(model)
    expect(names(model)).toEqual(['db-0'])
    expect(model.list('PersistentVolumeClaim')).toHaveLength(3)
  })

  it('scales down from the highest ordinal, one at a time', () => {
    const model = withSet()
    roll(model)
    change(model, (spec) => void (spec.replicas = 1))
    model.run(statefulSet)
    expect(names(model)).toEqual(['db-0', 'db-1'])
    roll(model)
    expect(names(model)).toEqual(['db-0'])
  })

  it('updates from the highest ordinal and waits for each to be ready', () => {
    const model = withSet()
    roll(model)
    change(model, (spec) => void (spec.template = template('v2')))
    model.settle(statefulSet)
    expect(images(model)).toEqual(['v1', 'v1', 'v2'])
    expect(status(model).currentRevision).not.toBe(status(model).updateRevision)
    roll(model)
    expect(images(model)).toEqual(['v2', 'v2', 'v2'])
    expect(status(model).currentRevision).toBe(status(model).updateRevision)
  })

  it('leaves pods below the partition at the old revision, even when they are made again', () => {
    const model = withSet()
    roll(model)
    change(model, (spec) => {
      spec.template = template('v2')
      spec.updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }
    })
    roll(model)
    expect(images(model)).toEqual(['v1', 'v1', 'v2'])
    model.delete('Pod', 'default/db-0')
    roll(model)
    expect(images(model)).toEqual(['v1', 'v1', 'v2'])
  })

  it('makes failed pods again', () => {
    const model = withSet({ replicas: 1 })
    roll(model)
    const before = model.get('Pod', 'default/db-0')?.metadata.uid
    model.change('Pod', 'default/db-0', (pod) => void (pod.status = { phase: 'Failed' }))
    roll(model)
    expect(model.get('Pod', 'default/db-0')?.metadata.uid).not.toBe(before)
    expect(model.events.map(({ reason }) => reason)).toContain('RecreatingFailedPod')
  })

  it('settles at the wanted size and image after any changes', () => {
    const edits = fc.array(
      fc.oneof(
        fc.record({ replicas: fc.nat(4) }),
        fc.record({ image: fc.constantFrom('v1', 'v2') }),
        fc.record({ passes: fc.nat(4) }),
      ),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(fc.constantFrom('OrderedReady', 'Parallel'), edits, (podManagementPolicy, edits) => {
        const model = withSet({ podManagementPolicy })
        for (const edit of edits) {
          if ('replicas' in edit) change(model, (spec) => void (spec.replicas = edit.replicas))
          if ('image' in edit) change(model, (spec) => void (spec.template = template(edit.image)))
          if ('passes' in edit) for (let pass = 0; pass < edit.passes; pass++) if (model.run(statefulSet) > 0) makeReady(model)
        }
        roll(model)
        const { spec } = model.get('StatefulSet', 'default/db')!
        expect(images(model)).toEqual(Array.from({ length: spec.replicas ?? 1 }, () => spec.template.spec?.containers[0]?.image))
        expect(model.run(statefulSet)).toBe(0)
      }),
      { numRuns: 50 },
    )
  })
})
