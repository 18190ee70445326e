import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PersistentVolumeClaimSpec, PersistentVolumeSpec } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { localPathClaim, localPathVolume } from './local-path.ts'
import { persistentVolume, persistentVolumeClaim } from './persistent-volume.ts'
import { claimProtection, volumeProtection } from './volume-protection.ts'

const all = [localPathClaim, localPathVolume, persistentVolumeClaim, persistentVolume]
const selectedNode = 'volume.kubernetes.io/selected-node'

function createStorage(spec: Partial<PersistentVolumeClaimSpec> = {}, reclaimPolicy = 'Delete'): Model {
  const model = createModel([...all, claimProtection, volumeProtection])
  model.add('Node', { metadata: { name: 'a', labels: { 'kubernetes.io/hostname': 'host-a' } } })
  model.add('StorageClass', {
    metadata: { name: 'local-path' },
    provisioner: 'kubelab/local-path',
    volumeBindingMode: 'WaitForFirstConsumer',
    reclaimPolicy,
  })
  model.add('PersistentVolumeClaim', {
    metadata: { namespace: 'default', name: 'data', uid: 'u1' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'local-path',
      ...spec,
    },
  })
  model.settle(...all)
  return model
}
const choose = (model: Model, node: string) => {
  model.change('PersistentVolumeClaim', 'default/data', ({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, [selectedNode]: node }
  })
  model.settle(...all)
}
const claim = (model: Model) => model.get('PersistentVolumeClaim', 'default/data')!
const volume = (model: Model) => model.get('PersistentVolume', 'pvc-u1')
const pods = (model: Model) => model.list('Pod').map(({ metadata }) => metadata.name)
const finish = (model: Model, phase: string) => {
  model.change('Pod', 'kube-system/remove-pvc-u1', (pod) => void (pod.status = { phase }))
  model.settle(...all)
  model.now = new Date(model.now.getTime() + 15_000)
  model.settle(...all)
}

describe('a claim of a local path class', () => {
  it('has no volume before a node is chosen, then a folder of that node, and is bound', () => {
    const model = createStorage()
    expect(volume(model)).toBeUndefined()
    choose(model, 'a')
    expect(volume(model)?.spec).toMatchObject({
      capacity: { storage: '1Gi' },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'local-path',
      hostPath: { path: '/var/lib/kubelet/local-volumes/pvc-u1', type: 'DirectoryOrCreate' },
      claimRef: { name: 'data', uid: 'u1' },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['host-a'] }] }],
        },
      },
    })
    expect(claim(model)).toMatchObject({ spec: { volumeName: 'pvc-u1' }, status: { phase: 'Bound' } })
    expect(model.events.map(({ reason }) => reason)).toContain('ProvisioningSucceeded')
  })

  it('is given back to the scheduler when the chosen node has gone', () => {
    const model = createStorage()
    choose(model, 'gone')
    expect(claim(model).metadata.annotations?.[selectedNode]).toBeUndefined()
    expect(volume(model)).toBeUndefined()
  })

  it.each<[string, Partial<PersistentVolumeClaimSpec>]>([
    ['a selector', { selector: { matchLabels: { a: 'b' } } }],
    ['a block volume', { volumeMode: 'Block' }],
    ['shared access', { accessModes: ['ReadWriteMany'] }],
    ['a copy of another volume', { dataSource: { kind: 'PersistentVolumeClaim', name: 'other' } }],
  ])('is refused %s', (_, spec) => {
    const model = createStorage(spec)
    choose(model, 'a')
    expect(volume(model)).toBeUndefined()
    expect(model.events.map(({ reason }) => reason)).toContain('ProvisioningFailed')
  })
})

describe('a volume whose claim is gone', () => {
  const released = (policy?: string): Model => {
    const model = createStorage({}, policy)
    choose(model, 'a')
    model.delete('PersistentVolumeClaim', 'default/data')
    model.settle(...all)
    return model
  }

  it('goes after a pod on its node has removed the data', () => {
    const model = released()
    expect(pods(model)).toEqual(['remove-pvc-u1'])
    expect(model.get('Pod', 'kube-system/remove-pvc-u1')?.spec.nodeName).toBe('a')
    expect(volume(model)?.metadata.finalizers).toContain('kubelab/local-path')
    finish(model, 'Succeeded')
    expect(volume(model)).toBeUndefined()
  })

  it('is tried again after a while when the removal failed', () => {
    const model = released()
    const first = model.get('Pod', 'kube-system/remove-pvc-u1')?.metadata.uid
    finish(model, 'Failed')
    expect(model.get('Pod', 'kube-system/remove-pvc-u1')?.metadata.uid).not.toBe(first)
    expect(model.events.at(-1)?.reason).toBe('VolumeFailedDelete')
  })

  it('goes at once when its node has gone', () => {
    const model = released()
    model.delete('Pod', 'kube-system/remove-pvc-u1')
    model.delete('Node', 'a')
    model.run(localPathVolume)
    expect(pods(model)).toEqual([])
  })

  it('stays with its data when the policy is Retain', () => {
    const model = released('Retain')
    expect(volume(model)?.status?.phase).toBe('Released')
    expect(pods(model)).toEqual([])
  })

  it.each<[string, Partial<PersistentVolumeSpec>]>([
    ['the folder of another', { hostPath: { path: '/var/lib/kubelet/local-volumes/pvc-other' } }],
    ['a path outside', { hostPath: { path: '/etc' } }],
  ])('never removes %s', (_, spec) => {
    const model = createStorage()
    choose(model, 'a')
    model.change('PersistentVolume', 'pvc-u1', (volume) => Object.assign(volume.spec!, spec))
    model.delete('PersistentVolumeClaim', 'default/data')
    model.settle(...all)
    expect(pods(model)).toEqual([])
  })

  it('keeps its data while it is bound, also when it is deleted by hand', () => {
    const model = createStorage()
    choose(model, 'a')
    model.change('PersistentVolume', 'pvc-u1', ({ metadata }) => void (metadata.deletionTimestamp = 'now'))
    model.settle(...all)
    expect(volume(model)?.metadata.finalizers).toContain('kubelab/local-path')
    expect(pods(model)).toEqual([])
  })
})

it('whatever happens in which order, it settles', () => {
  const steps: Record<string, (model: Model) => void> = {
    choose: (model) => claim(model) && choose(model, 'a'),
    chooseGone: (model) => claim(model) && choose(model, 'gone'),
    deleteClaim: (model) => model.delete('PersistentVolumeClaim', 'default/data'),
    nodeLeaves: (model) => model.delete('Node', 'a'),
    removed: (model) => model.get('Pod', 'kube-system/remove-pvc-u1') && finish(model, 'Succeeded'),
    failed: (model) => model.get('Pod', 'kube-system/remove-pvc-u1') && finish(model, 'Failed'),
  }
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 12 }), (names) => {
      const model = createStorage()
      for (const name of names) {
        steps[name]!(model)
        model.settle(...all)
      }
      expect(all.reduce((writes, controller) => writes + model.run(controller), 0)).toBe(0)
    }),
    { numRuns: 60 },
  )
})
