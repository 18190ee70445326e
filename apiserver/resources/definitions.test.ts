/** The list of resources as a whole: complete, served once, with models that exist. */
import { describe, expect, test } from 'vitest'
import { KINDS } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import { hasModel } from '../../api/schema/models.ts'
import { RESOURCES } from '../resources.ts'
import { fromCoreEvent, toCoreEvent } from './event.ts'
import { fromV2, toV2 } from './horizontal-pod-autoscaler/v1.ts'

test('every kind of the table is served, once', () => {
  const served = RESOURCES.map(({ names }) => `${names.group}/${names.kind}`)
  expect(new Set(served).size).toBe(served.length)
  expect(served.toSorted()).toEqual([...KINDS.map(({ group, kind }) => `${group}/${kind}`), 'events.k8s.io/Event'].toSorted())
})

describe('each served version has a model', () => {
  test.each(RESOURCES.map(({ names, models: named }) => [names.plural, names.versions, named] as const))(
    '%s',
    (_, versions, named) => {
      for (const version of versions) expect(hasModel(named[version]!)).toBe(true)
    },
  )
})

test('what the store indexes can be selected by', () => {
  for (const { indexedFields = [], selectableFields = {} } of RESOURCES)
    expect(Object.keys(selectableFields)).toEqual(expect.arrayContaining([...indexedFields]))
})

test('an event says the same in both of its groups', () => {
  const event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'default', uid: 'u' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    regarding: { apiVersion: 'v1', kind: 'Pod', name: 'p' },
    note: 'n',
    reason: 'R',
    action: 'A',
    type: 'Normal',
    reportingController: 'c',
    reportingInstance: 'i',
    series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' },
    deprecatedCount: 3,
    deprecatedSource: { component: 'c' },
  } as KubeObject
  const stored = toCoreEvent(event)
  expect(stored).toMatchObject({
    apiVersion: 'v1',
    involvedObject: { kind: 'Pod' },
    message: 'n',
    reportingComponent: 'c',
    count: 3,
  })
  expect(fromCoreEvent(stored)).toEqual(event)
})

test('an autoscaler keeps through v1 what v1 has no field for', () => {
  const v2 = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h', namespace: 'default', uid: 'u', annotations: { a: 'b' } },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '10' } } },
        { type: 'External', external: { metric: { name: 'e' }, target: { type: 'Value', value: '7' } } },
      ],
      behavior: { scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
    },
    status: { currentReplicas: 2, desiredReplicas: 2, conditions: [{ type: 'AbleToScale', status: 'True' }] },
  }
  const v1 = fromV2(v2 as KubeObject) as KubeObject & { spec: object }
  expect(v1.spec).toMatchObject({ targetCPUUtilizationPercentage: 50, maxReplicas: 3 })
  expect(toV2(v1)).toEqual(v2)
})
