import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../api/object.ts'
import { RESOURCES } from '../resources.ts'

const conversionOf = (plural: string) => RESOURCES.find(({ names }) => names.plural === plural)!.conversions!.v1beta1!
const slice = (endpoint: object) =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 's' },
    endpoints: [endpoint],
  }) as unknown as KubeObject
const budget = (selector?: object) =>
  ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b' }, spec: { selector } }) as unknown as KubeObject

describe('an endpoint of discovery v1beta1 says by labels what v1 has fields for', () => {
  test.each([
    [
      'node and zone',
      { nodeName: 'n', topology: { 'kubernetes.io/hostname': 'n', 'topology.kubernetes.io/zone': 'z' } },
      { nodeName: 'n', zone: 'z' },
    ],
    ['a host alone', { topology: { 'kubernetes.io/hostname': 'h' } }, { deprecatedTopology: { 'kubernetes.io/hostname': 'h' } }],
    [
      'a host that is not the node',
      { nodeName: 'n', topology: { 'kubernetes.io/hostname': 'h', rack: 'r' } },
      { nodeName: 'n', deprecatedTopology: { 'kubernetes.io/hostname': 'h', rack: 'r' } },
    ],
    ['nothing', {}, {}],
  ])('%s', (_, older, stored) => {
    const { toStorage, fromStorage } = conversionOf('endpointslices')
    const addresses = ['10.0.0.1']
    expect(toStorage(slice({ addresses, ...older }))).toEqual(slice({ addresses, ...stored }))
    expect(fromStorage(slice({ addresses, ...stored }))).toEqual(slice({ addresses, ...older }))
  })
})

describe('the empty selector of a budget means no pod in policy/v1beta1 and every pod in v1', () => {
  const key = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match'
  test.each([
    ['no pod', {}, { matchExpressions: [{ key, operator: 'Exists' }] }],
    ['every pod', { matchExpressions: [{ key, operator: 'DoesNotExist' }] }, {}],
    ['some pods', { matchLabels: { a: 'b' } }, { matchLabels: { a: 'b' } }],
    ['none given', undefined, undefined],
  ])('%s', (_, older, stored) => {
    const { toStorage, fromStorage } = conversionOf('poddisruptionbudgets')
    expect(toStorage(budget(older))).toEqual(budget(stored))
    expect(fromStorage(budget(stored))).toEqual(budget(older))
  })
})
