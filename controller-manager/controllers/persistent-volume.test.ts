import { describe, expect, it } from 'vitest'
import type { PersistentVolumeClaimSpec, PersistentVolumeSpec } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { persistentVolume, persistentVolumeClaim } from './persistent-volume.ts'
import { claimProtection, volumeProtection } from './volume-protection.ts'

const all = [persistentVolumeClaim, persistentVolume]
const createVolumes = () => createModel([...all, claimProtection])
const addVolume = (model: Model, name: string, storage: string, spec: Partial<PersistentVolumeSpec> = {}) =>
  model.add('PersistentVolume', {
    metadata: { name },
    spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: '', ...spec },
  })
const addClaim = (model: Model, name: string, storage: string, spec: Partial<PersistentVolumeClaimSpec> = {}) =>
  model.add('PersistentVolumeClaim', {
    metadata: { namespace: 'default', name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, storageClassName: '', ...spec },
  })
const claim = (model: Model, name: string) => model.get('PersistentVolumeClaim', `default/${name}`)!
const phases = (model: Model) =>
  Object.fromEntries(model.list('PersistentVolume').map(({ metadata, status }) => [metadata.name, status?.phase]))

describe('a claim', () => {
  it('takes the smallest volume that is large enough, and both say so', () => {
    const model = createVolumes()
    for (const [name, size] of [
      ['big', '10Gi'],
      ['right', '2Gi'],
      ['small', '1Gi'],
    ])
      addVolume(model, name!, size!)
    model.settle(...all)
    addClaim(model, 'data', '1500Mi')
    model.settle(...all)
    expect(claim(model, 'data')).toMatchObject({
      spec: { volumeName: 'right' },
      status: { phase: 'Bound', capacity: { storage: '2Gi' } },
    })
    expect(model.get('PersistentVolume', 'right')?.spec?.claimRef).toMatchObject({
      namespace: 'default',
      name: 'data',
      uid: claim(model, 'data').metadata.uid,
    })
    expect(phases(model)).toEqual({ big: 'Available', right: 'Bound', small: 'Available' })
  })

  it.each<[string, Partial<PersistentVolumeSpec>]>([
    ['another class', { storageClassName: 'fast' }],
    ['another mode', { volumeMode: 'Block' }],
    ['other access', { accessModes: ['ReadOnlyMany'] }],
    [
      'someone it is kept for',
      { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'default', name: 'other' } },
    ],
  ])('leaves a volume with %s alone', (_, spec) => {
    const model = createVolumes()
    addVolume(model, 'v', '1Gi', spec)
    addClaim(model, 'data', '1Gi')
    model.run(persistentVolume)
    model.run(persistentVolumeClaim)
    expect(claim(model, 'data').status?.phase).toBe('Pending')
    expect(model.events.at(-1)?.reason).toBe('FailedBinding')
  })

  it('waits for a pod when its class says so, and then asks the provisioner', () => {
    const model = createVolumes()
    model.add('StorageClass', {
      metadata: { name: 'local' },
      provisioner: 'example.com/local',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
    addClaim(model, 'data', '1Gi', { storageClassName: 'local' })
    model.settle(...all)
    expect(model.events[0]?.reason).toBe('WaitForFirstConsumer')
    model.change(
      'PersistentVolumeClaim',
      'default/data',
      ({ metadata }) => void (metadata.annotations = { 'volume.kubernetes.io/selected-node': 'a' }),
    )
    model.settle(...all)
    expect(claim(model, 'data').metadata.annotations).toMatchObject({
      'volume.kubernetes.io/storage-provisioner': 'example.com/local',
    })
    expect(model.events.at(-1)?.reason).toBe('ExternalProvisioning')
  })

  it('is lost when its volume is gone', () => {
    const model = createVolumes()
    addVolume(model, 'v', '1Gi')
    model.settle(...all)
    addClaim(model, 'data', '1Gi')
    model.settle(...all)
    model.delete('PersistentVolume', 'v')
    model.settle(...all)
    expect(claim(model, 'data').status?.phase).toBe('Lost')
  })
})

it('a volume whose claim is gone is released, also when a claim of the same name comes', () => {
  const model = createVolumes()
  addVolume(model, 'v', '1Gi')
  model.settle(...all)
  addClaim(model, 'data', '1Gi')
  model.settle(...all)
  model.delete('PersistentVolumeClaim', 'default/data')
  model.settle(...all)
  addClaim(model, 'data', '1Gi')
  model.settle(persistentVolume)
  expect(phases(model)).toEqual({ v: 'Released' })
})

it('a claim stays while a pod uses it, and a volume while it is bound', () => {
  const model = createVolumes()
  addClaim(model, 'data', '1Gi')
  addVolume(model, 'v', '1Gi')
  model.settle(claimProtection, volumeProtection)
  const finalizers = () => claim(model, 'data').metadata.finalizers
  expect(finalizers()).toEqual(['kubernetes.io/pvc-protection'])
  model.add('Pod', {
    metadata: { namespace: 'default', name: 'p' },
    spec: { nodeName: 'a', containers: [], volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] },
  })
  model.change('PersistentVolumeClaim', 'default/data', ({ metadata }) => void (metadata.deletionTimestamp = 'x'))
  model.settle(claimProtection)
  expect(finalizers()).toHaveLength(1)
  model.delete('Pod', 'default/p')
  model.settle(claimProtection)
  expect(model.list('PersistentVolumeClaim')).toEqual([])
})
