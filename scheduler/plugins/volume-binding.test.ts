import { describe, expect, test } from 'vitest'
import type { CSIStorageCapacity, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/generated/types.ts'
import type { KindName } from '../../api/kinds.ts'
import { createIndexedStore } from '../../client/indexed-store.ts'
import { createCache } from '../../client/shared-informers.ts'
import { createPodInfo } from '../pod-info.ts'
import { createSnapshot } from '../snapshot.ts'
import { makeNode, makePod } from '../testing.ts'
import { volumeBinding } from './volume-binding.ts'

const zone = 'topology.kubernetes.io/zone'
const namespace = 'default'
const meta = (name: string) => ({ name, uid: name, resourceVersion: '1' })

const claim = (name: string, storage: string): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { ...meta(name), namespace },
  spec: { storageClassName: 'fast', accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
})
const volume = (name: string, storage: string): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: meta(name),
  spec: { storageClassName: 'fast', accessModes: ['ReadWriteOnce'], capacity: { storage } },
})
const storageClass = (provisioner: string): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: meta('fast'),
  provisioner,
  volumeBindingMode: 'WaitForFirstConsumer',
})
const capacity = (where: string, sizes: Partial<CSIStorageCapacity>): CSIStorageCapacity => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIStorageCapacity',
  metadata: { ...meta(`in-${where}`), namespace },
  storageClassName: 'fast',
  nodeTopology: { matchLabels: { [zone]: where } },
  ...sizes,
})
const driver = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIDriver',
  metadata: meta('csi.example.com'),
  spec: { storageCapacity: true },
}

interface Stored {
  kind: string
  metadata: { name: string }
}

/** The verdict on a node in zone `a` for a pod with all claims, and what binding it would do. */
function judge(objects: readonly Stored[]) {
  const stores = new Map<string, ReturnType<typeof createIndexedStore>>()
  const storeOf = (kind: string) => stores.get(kind) ?? stores.set(kind, createIndexedStore()).get(kind)!
  for (const object of objects) storeOf(object.kind).set(object as never)
  const snapshot = createSnapshot(createCache((kind: KindName) => ({ store: storeOf(kind) })))
  snapshot.setNode(makeNode('n', { zone: 'a' }))
  const node = snapshot.node('n')!
  const pod = makePod('p')
  const claims = objects.filter(({ kind }) => kind === 'PersistentVolumeClaim')
  pod.spec.volumes = claims.map(({ metadata }) => ({ name: metadata.name, persistentVolumeClaim: { claimName: metadata.name } }))
  const info = createPodInfo(pod)
  const prepared = volumeBinding.preFilter!(info, snapshot)
  if (!prepared || 'refusal' in prepared) throw new Error('no check')
  return { reasons: prepared.check(node)?.reasons ?? [], actions: volumeBinding.preBind!(info, node, snapshot) }
}

describe('a claim that waits for its first consumer', () => {
  const made = storageClass('csi.example.com')
  const noRoom = ['node(s) did not have enough free storage']

  test.each<[string, readonly Stored[], readonly string[]]>([
    ['a driver that tells no capacity', [], []],
    ['one that tells of none', [driver], noRoom],
    ['enough where the node is', [driver, capacity('a', { capacity: '5Gi' })], []],
    ['exactly enough', [driver, capacity('a', { capacity: '2Gi' })], []],
    ['too little', [driver, capacity('a', { capacity: '1Gi' })], noRoom],
    ['enough, but elsewhere', [driver, capacity('b', { capacity: '5Gi' })], noRoom],
    ['enough, but not for one volume', [driver, capacity('a', { capacity: '5Gi', maximumVolumeSize: '1Gi' })], noRoom],
    ['enough for another class', [driver, { ...capacity('a', { capacity: '5Gi' }), storageClassName: 'slow' } as Stored], noRoom],
    ['too little, but a volume is there', [driver, volume('pv', '3Gi')], []],
  ])('%s', (_, objects, expected) => {
    expect(judge([made, claim('data', '2Gi'), ...objects]).reasons).toEqual(expected)
  })
})

describe('two claims of one pod', () => {
  const claims = [storageClass('kubernetes.io/no-provisioner'), claim('large', '4Gi'), claim('small', '1Gi')]

  test('get a volume each, the smaller one the smaller', () => {
    const { reasons, actions } = judge([...claims, volume('v5', '5Gi'), volume('v2', '2Gi')])
    expect(reasons).toEqual([])
    const bound = actions.map((action) => [action.claim.metadata.name, action.do === 'bind' && action.volume.metadata.name])
    expect(bound).toEqual([
      ['small', 'v2'],
      ['large', 'v5'],
    ])
  })

  test('do not share one', () => {
    expect(judge([...claims, volume('v5', '5Gi')]).reasons).toEqual(["node(s) didn't find available persistent volumes to bind"])
  })
})
