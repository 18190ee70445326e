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

it('a bound volume that lost its reference gets it back, before anybody else may have the volume', () => {
  const model = createVolumes()
  addVolume(model, 'v', '1Gi')
  model.settle(...all)
  addClaim(model, 'data', '1Gi')
  model.settle(...all)
  model.merge('PersistentVolume', 'v', { spec: { claimRef: null } })
  model.settle(...all)
  expect(model.get('PersistentVolume', 'v')?.spec?.claimRef?.uid).toBe(claim(model, 'data').metadata.uid)
  expect(phases(model)).toEqual({ v: 'Bound' })
})

it('a volume that refers to a claim which has another one is free again, for that claim where a person reserved it', () => {
  const model = createVolumes()
  addVolume(model, 'v', '1Gi')
  model.settle(...all)
  const { uid } = addClaim(model, 'data', '1Gi').metadata
  model.settle(...all)
  const claimRef = { namespace: 'default', name: 'data', uid }
  addVolume(model, 'reserved', '1Gi', { claimRef })
  addVolume(model, 'taken', '1Gi', { claimRef })
  model.merge('PersistentVolume', 'taken', { metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } } })
  model.settle(...all)
  expect(phases(model)).toEqual({ v: 'Bound', reserved: 'Available', taken: 'Available' })
  expect(model.get('PersistentVolume', 'reserved')?.spec?.claimRef).toEqual({ namespace: 'default', name: 'data' })
  expect(model.get('PersistentVolume', 'taken')?.spec?.claimRef).toBeUndefined()
})

it.each<[string, Partial<PersistentVolumeSpec>, string, string[]]>([
  ['is kept', { persistentVolumeReclaimPolicy: 'Retain' }, 'Released', []],
  [
    'nobody here can delete',
    { persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/x' } },
    'Failed',
    ['VolumeFailedDelete'],
  ],
  [
    'nobody here can empty',
    { persistentVolumeReclaimPolicy: 'Recycle', hostPath: { path: '/x' } },
    'Failed',
    ['VolumeFailedRecycle'],
  ],
  ['its provisioner deletes', { persistentVolumeReclaimPolicy: 'Delete', storageClassName: 'made' }, 'Released', []],
])('a released volume that %s says so', (_, spec, phase, reasons) => {
  const model = createVolumes()
  addVolume(model, 'v', '1Gi', spec)
  const { storageClassName = '' } = spec
  const provisioned = storageClassName ? { 'pv.kubernetes.io/provisioned-by': 'x' } : {}
  model.merge('PersistentVolume', 'v', { metadata: { annotations: provisioned } })
  model.settle(...all)
  addClaim(model, 'data', '1Gi', { storageClassName })
  model.settle(...all)
  model.delete('PersistentVolumeClaim', 'default/data')
  model.settle(...all)
  expect(phases(model)).toEqual({ v: phase })
  expect(model.events.map(({ reason }) => reason).filter((reason) => reason.startsWith('Volume'))).toEqual(reasons)
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
