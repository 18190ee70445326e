import { expect, test } from 'vitest'
import type { KubeObject } from '../../../api/object.ts'
import { RESOURCES } from '../../resources.ts'

const warningsOf = (kind: string, more: object): string[] => {
  const { warnings } = RESOURCES.find(({ names }) => names.kind === kind)!
  return warnings!({ metadata: { name: 'x' }, ...more } as unknown as KubeObject)
}
const containers = [{ name: 'c', image: 'i' }]
const annotated = (...keys: string[]) => ({
  metadata: { name: 'x', annotations: Object.fromEntries(keys.map((key) => [key, 'x'])) },
})

test.each<[string, object, string[]]>([
  [
    'Pod',
    { spec: { containers, nodeSelector: { 'beta.kubernetes.io/os': 'linux' } } },
    ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
  ],
  [
    'Pod',
    { ...annotated('seccomp.security.alpha.kubernetes.io/pod'), spec: { containers } },
    [
      'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead',
    ],
  ],
  [
    'Pod',
    { spec: { containers, topologySpreadConstraints: [{ topologyKey: 'failure-domain.beta.kubernetes.io/zone' }] } },
    [
      'spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
      'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
    ],
  ],
  [
    'Pod',
    {
      spec: { containers, affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a' }] } } },
    },
    [
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod',
    ],
  ],
  [
    'Pod',
    { spec: { containers, volumes: [{ name: 'v', rbd: {} }] } },
    ['spec.volumes[0].rbd: deprecated in v1.28, non-functional in v1.31+'],
  ],
  [
    'PersistentVolume',
    {
      ...annotated('volume.beta.kubernetes.io/storage-class'),
      spec: { persistentVolumeReclaimPolicy: 'Recycle', storageos: {} },
    },
    [
      'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      'spec.storageOS: deprecated in v1.22, non-functional in v1.25+',
    ],
  ],
  [
    'PersistentVolumeClaim',
    { spec: { resources: { requests: { storage: '1500m' } } } },
    ['spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer'],
  ],
  [
    'StorageClass',
    { allowedTopologies: [{ matchLabelExpressions: [{ key: 'beta.kubernetes.io/arch', values: ['a'] }] }] },
    [
      'allowedTopologies[0].matchLabelExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use "kubernetes.io/arch" instead',
    ],
  ],
])('%s %j is warned of', (kind, more, expected) => {
  expect(warningsOf(kind, more)).toEqual(expected)
})

test.each<[string, object]>([
  ['Pod', { spec: { containers } }],
  ['PersistentVolume', { spec: {} }],
  ['PersistentVolumeClaim', { spec: {} }],
  ['StorageClass', {}],
])('%s with nothing wrong is not', (kind, more) => {
  expect(warningsOf(kind, more)).toEqual([])
})
