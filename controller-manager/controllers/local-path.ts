/** Local path provisioner: a claim gets a folder of the node its pod was placed on; the folder goes when the volume does. */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../api/generated/types.ts'
import { controllerOf, keyOf, type New } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { mergePatch, remove, withoutFinalizer } from '../status-patch.ts'
import { cleanupPod } from './volume/local-path-cleanup.ts'
import { classOf, provisionedBy, selectedNode } from './volume/match.ts'

/** As storage classes name it. */
export const localPathProvisioner = 'kubelab/local-path'
/** On the volume until its data is gone, however the volume came to be deleted. */
const finalizer = 'kubelab/local-path'
const folder = '/var/lib/kubelet/local-volumes'
const retryMs = 15_000
const hostnameLabel = 'kubernetes.io/hostname'

const controllerName = 'local-path-provisioner-controller'
const volumeNameOf = ({ metadata }: PersistentVolumeClaim): string => `pvc-${metadata.uid}`

/** The binder writes the provisioner's name once a node is chosen. */
const isOurs = ({ metadata }: PersistentVolumeClaim): boolean =>
  metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] === localPathProvisioner

export interface ClaimView {
  storageClass: StorageClass | undefined
  node: Node | undefined
  volume: PersistentVolume | undefined
}

export const localPathClaim: Controller<'PersistentVolumeClaim', ClaimView> = {
  name: controllerName,
  for: 'PersistentVolumeClaim',
  reads: ['PersistentVolume'],
  watches: [
    {
      kind: 'StorageClass',
      wakes: ({ metadata }: StorageClass, cache) =>
        cache
          .of('PersistentVolumeClaim')
          .list()
          .filter((claim) => !claim.spec.volumeName && classOf(claim) === metadata.name)
          .map(keyOf),
    },
  ],
  observe: (claim, cache) => ({
    storageClass: cache.of('StorageClass').get(classOf(claim)),
    node: cache.of('Node').get(claim.metadata.annotations?.[selectedNode] ?? ''),
    volume: cache.of('PersistentVolume').get(volumeNameOf(claim)),
  }),
  reconcile: reconcileClaim,
}

export function reconcileClaim(claim: PersistentVolumeClaim, { storageClass, node, volume }: ClaimView): Action[] {
  const done = claim.metadata.deletionTimestamp !== undefined || !!claim.spec.volumeName || volume !== undefined
  if (done || !isOurs(claim) || storageClass?.provisioner !== localPathProvisioner) return []
  const chosen = claim.metadata.annotations?.[selectedNode]
  const complaint = complaintAbout(claim, chosen)
  const about = { do: 'event', about: claim } as const
  if (complaint) {
    const message = `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata.name)}: ${complaint}`
    return [{ ...about, type: 'Warning', reason: 'ProvisioningFailed', message }]
  }
  // The chosen node has gone since: the scheduler must choose again, and does when the annotation is away.
  if (!node) return [mergePatch(claim, { metadata: { annotations: { [selectedNode]: null } } })]
  const name = volumeNameOf(claim)
  return [
    {
      ...about,
      type: 'Normal',
      reason: 'Provisioning',
      message: `External provisioner is provisioning volume for claim ${JSON.stringify(keyOf(claim))}`,
    },
    { do: 'create', kind: 'PersistentVolume', object: volumeFor(claim, storageClass, node), existsOk: true },
    { ...about, type: 'Normal', reason: 'ProvisioningSucceeded', message: `Successfully provisioned volume ${name}` },
  ]
}

function complaintAbout({ spec }: PersistentVolumeClaim, chosen: string | undefined): string | null {
  if (spec.selector) return 'claim Selector is not supported'
  if (spec.dataSource || spec.dataSourceRef) return 'data sources are not supported'
  if (spec.volumeMode === 'Block') return 'block volumes are not supported'
  const shared = (spec.accessModes ?? []).some((mode) => mode !== 'ReadWriteOnce' && mode !== 'ReadWriteOncePod')
  if (shared) return 'a folder of one node has access modes ReadWriteOnce and ReadWriteOncePod only'
  return chosen ? null : 'no node was selected: the class needs volumeBindingMode WaitForFirstConsumer'
}

function volumeFor(claim: PersistentVolumeClaim, storageClass: StorageClass, node: Node): New<PersistentVolume> {
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const hostname = node.metadata.labels?.[hostnameLabel] ?? node.metadata.name
  const volumeName = volumeNameOf(claim)
  return {
    metadata: {
      name: volumeName,
      annotations: { [provisionedBy]: localPathProvisioner, [selectedNode]: node.metadata.name },
      finalizers: [finalizer],
    },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.['storage'] ?? '0' },
      accessModes: claim.spec.accessModes,
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      hostPath: { path: `${folder}/${volumeName}`, type: 'DirectoryOrCreate' },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: hostnameLabel, operator: 'In', values: [hostname] }] }] },
      },
    },
  }
}

export interface VolumeView {
  /** The node with the data, while there is one. */
  node: Node | undefined
  /** The pod that takes the data away. */
  cleanup: Pod | undefined
}

export const localPathVolume: Controller<'PersistentVolume', VolumeView> = {
  name: controllerName,
  for: 'PersistentVolume',
  watches: [
    {
      kind: 'Pod',
      wakes(pod: Pod) {
        const owner = controllerOf(pod)
        return owner?.kind === 'PersistentVolume' ? [owner.name] : []
      },
    },
    {
      // A node that goes takes the data along.
      kind: 'Node',
      wakes: ({ metadata }: Node, cache) =>
        cache
          .of('PersistentVolume')
          .list()
          .filter((volume) => nodeOf(volume) === metadata.name)
          .map(keyOf),
    },
  ],
  observe: (volume, cache) => ({
    node: cache.of('Node').get(nodeOf(volume)),
    cleanup: cache.of('Pod').controlledBy(volume.metadata.uid ?? '')[0],
  }),
  reconcile: reconcileVolume,
}

const nodeOf = ({ metadata }: PersistentVolume): string => metadata.annotations?.[selectedNode] ?? ''

export function reconcileVolume(volume: PersistentVolume, { node, cleanup }: VolumeView, now: Date): Action[] {
  const { metadata, spec, status } = volume
  const ours = metadata.annotations?.[provisionedBy] === localPathProvisioner && metadata.finalizers?.includes(finalizer)
  const deleting = metadata.deletionTimestamp !== undefined
  const erase = spec?.persistentVolumeReclaimPolicy === 'Delete'
  // A volume that was deleted by hand while it is bound stays, data and all, until its claim goes.
  if (!ours || status?.phase === 'Bound' || (!deleting && !(erase && status?.phase === 'Released'))) return []
  const path = spec?.hostPath?.path ?? ''
  // Only ever a folder that this controller named: the path of a volume can be anything by the time it is deleted.
  const erased = !erase || !node || path !== `${folder}/${metadata.name}` || cleanup?.status?.phase === 'Succeeded'
  if (erased && !deleting) return [remove(volume)]
  if (erased) return [withoutFinalizer(volume, finalizer)]
  if (cleanup?.status?.phase === 'Failed' && !cleanup.metadata.deletionTimestamp) return retry(volume, cleanup, now)
  if (cleanup) return []
  return [{ do: 'create', kind: 'Pod', object: cleanupPod(volume, node.metadata.name, folder), existsOk: true }]
}

/** A node that refuses the pod now may take it later. */
function retry(volume: PersistentVolume, cleanup: Pod, now: Date): Action[] {
  const waitMs = Date.parse(cleanup.metadata.creationTimestamp ?? '') + retryMs - now.getTime()
  if (waitMs > 0) return [{ do: 'requeue', afterMs: waitMs }]
  const { message, reason } = cleanup.status ?? {}
  const why = `cannot remove the data: ${message ?? reason ?? 'the pod that removes it failed'}`
  return [{ do: 'event', about: volume, type: 'Warning', reason: 'VolumeFailedDelete', message: why }, remove(cleanup)]
}
