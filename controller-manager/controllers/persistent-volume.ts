/** Persistent volumes and claims find each other; a volume whose claim is gone is released as its policy says. */
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
  StorageClass,
} from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import { formatTime } from '../../api/time.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { mergePatch, updateStatus } from '../status-patch.ts'
import {
  bindCompleted,
  boundByController,
  classOf,
  findVolume,
  isReservedFor,
  provisionedBy,
  selectedNode,
} from './volume/match.ts'

export interface ClaimView {
  volumes: PersistentVolume[]
  /** The volume that the claim names. */
  named: PersistentVolume | undefined
  storageClass: StorageClass | undefined
}

/** A claim waits for any volume that becomes free. */
const isUnbound = ({ metadata, status }: PersistentVolumeClaim): boolean =>
  !metadata.annotations?.[bindCompleted] && status?.phase !== 'Bound'

export const persistentVolumeClaim: Controller<'PersistentVolumeClaim', ClaimView> = {
  name: 'persistentvolume-binder-controller',
  for: 'PersistentVolumeClaim',
  watches: [
    {
      kind: 'PersistentVolume',
      wakes({ spec }: PersistentVolume, cache) {
        if (spec?.claimRef) return [`${spec.claimRef.namespace}/${spec.claimRef.name}`]
        return cache.of('PersistentVolumeClaim').list().filter(isUnbound).map(keyOf)
      },
    },
    {
      kind: 'StorageClass',
      wakes: ({ metadata }: StorageClass, cache) =>
        cache
          .of('PersistentVolumeClaim')
          .list()
          .filter((claim) => isUnbound(claim) && classOf(claim) === metadata.name)
          .map(keyOf),
    },
  ],
  observe: (claim, cache) => ({
    volumes: isUnbound(claim) ? cache.of('PersistentVolume').list() : [],
    named: claim.spec?.volumeName ? cache.of('PersistentVolume').get(claim.spec.volumeName) : undefined,
    storageClass: classOf(claim) ? cache.of('StorageClass').get(classOf(claim)) : undefined,
  }),
  reconcile: reconcileClaim,
}

const event = (
  about: PersistentVolumeClaim | PersistentVolume,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): Action => ({ do: 'event', about, type, reason, message })

export function reconcileClaim(claim: PersistentVolumeClaim, { volumes, named, storageClass }: ClaimView, now: Date): Action[] {
  if (claim.metadata.annotations?.[bindCompleted]) return keepBound(claim, named, now)
  if (claim.metadata.deletionTimestamp) return []
  const pending = updateStatus(claim, { ...claim.status, phase: 'Pending' })
  if (claim.spec?.volumeName) {
    if (!named) return pending
    if (named.spec?.claimRef && !isReservedFor(named, claim)) {
      return [
        ...pending,
        event(
          claim,
          'Warning',
          'FailedBinding',
          `volume ${JSON.stringify(named.metadata.name)} already bound to a different claim.`,
        ),
      ]
    }
    return bind(claim, named, now)
  }
  const waits = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.metadata.annotations?.[selectedNode]
  const reserved = volumes.find((volume) => isReservedFor(volume, claim))
  if (waits && !reserved) {
    return [...pending, event(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')]
  }
  const found = findVolume(claim, volumes)
  return found ? bind(claim, found, now) : [...pending, ...provision(claim, storageClass)]
}

/** Volume first: it is what two claims could want. The revision lets only one of them have it. */
function bind(claim: PersistentVolumeClaim, volume: PersistentVolume, now: Date): Action[] {
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const chosen = !claim.spec?.volumeName
  const own = volume.spec?.claimRef?.uid === uid
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion }
  const reserve = mergePatch(volume, {
    spec: { claimRef },
    metadata: {
      resourceVersion: volume.metadata.resourceVersion,
      ...(volume.spec?.claimRef ? {} : { annotations: { [boundByController]: 'yes' } }),
    },
  })
  const complete = mergePatch(claim, {
    spec: { volumeName: volume.metadata.name },
    metadata: { annotations: { [bindCompleted]: 'yes', ...(chosen ? { [boundByController]: 'yes' } : {}) } },
  })
  return [
    ...(own ? [] : [reserve]),
    ...(volume.status?.phase === 'Bound'
      ? []
      : updateStatus(volume, { phase: 'Bound', lastPhaseTransitionTime: formatTime(now) })),
    complete,
    ...updateStatus(claim, boundStatus(claim, volume)),
  ]
}

const boundStatus = ({ status }: PersistentVolumeClaim, { spec }: PersistentVolume): PersistentVolumeClaimStatus => ({
  ...status,
  phase: 'Bound',
  accessModes: spec?.accessModes,
  // A volume that grows tells through its own controller; here only what it had when it was bound.
  capacity: status?.capacity ?? spec?.capacity,
})

function keepBound(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined, now: Date): Action[] {
  const lost = (reason: string, message: string): Action[] => [
    ...(claim.status?.phase === 'Lost' ? [] : [event(claim, 'Warning', reason, message)]),
    ...updateStatus(claim, { ...claim.status, phase: 'Lost', capacity: undefined, accessModes: undefined }),
  ]
  if (!claim.spec?.volumeName) {
    return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  }
  if (!volume) return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  const reference = volume.spec?.claimRef
  if (reference && !isReservedFor(volume, claim)) {
    return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
  }
  // Somebody took the reference off, or restored the volume without it: it would be given to the next who asks.
  if (!reference?.uid) return bind(claim, volume, now)
  return updateStatus(claim, boundStatus(claim, volume))
}

const provisionerAnnotations = ['volume.beta.kubernetes.io/storage-provisioner', 'volume.kubernetes.io/storage-provisioner']

/** Provisioners watch for claims that carry their name. */
function provision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): Action[] {
  const wanted = classOf(claim)
  if (!wanted)
    return [event(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set')]
  if (!storageClass)
    return [event(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io ${JSON.stringify(wanted)} not found`)]
  const { provisioner } = storageClass
  if (provisioner === 'kubernetes.io/no-provisioner') {
    return [event(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set')]
  }
  const annotations = Object.fromEntries(provisionerAnnotations.map((name) => [name, provisioner]))
  const asked = provisionerAnnotations.every((name) => claim.metadata.annotations?.[name] === provisioner)
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
    'If volume creation is delayed, please verify that the provisioner is running and correctly registered.'
  return [
    ...(asked ? [] : [mergePatch(claim, { metadata: { annotations } })]),
    event(claim, 'Normal', 'ExternalProvisioning', message),
  ]
}

export const persistentVolume: Controller<'PersistentVolume', PersistentVolumeClaim | undefined> = {
  name: 'persistentvolume-binder-controller',
  for: 'PersistentVolume',
  watches: [
    {
      kind: 'PersistentVolumeClaim',
      wakes: (claim: PersistentVolumeClaim) => (claim.spec?.volumeName ? [claim.spec.volumeName] : []),
    },
  ],
  observe({ spec }, cache) {
    const { namespace, name } = spec?.claimRef ?? {}
    return name ? cache.of('PersistentVolumeClaim').get({ namespace, name }) : undefined
  },
  reconcile: reconcileVolume,
}

export function reconcileVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined, now: Date): Action[] {
  const enter = (phase: string, message?: string): Action[] =>
    volume.status?.phase === phase
      ? []
      : updateStatus(volume, { ...volume.status, phase, message, lastPhaseTransitionTime: formatTime(now) })
  const reference = volume.spec?.claimRef
  if (!reference?.uid) return enter('Available')
  if (claim?.metadata.uid === reference.uid) {
    if (!claim.spec?.volumeName) return []
    return claim.spec.volumeName === volume.metadata.name ? enter('Bound') : unbind(volume)
  }
  // It stays until a person has looked at it.
  if (volume.status?.phase === 'Failed') return []
  const failure = reclaimFailure(volume)
  if (!failure) return enter('Released')
  return [...enter('Failed', failure.message), event(volume, 'Warning', failure.reason, failure.message)]
}

/** Its claim has another volume. Who reserved it by name may want it again; what this controller reserved is free. */
function unbind(volume: PersistentVolume): Action[] {
  const { resourceVersion, annotations } = volume.metadata
  return [
    annotations?.[boundByController]
      ? mergePatch(volume, {
          spec: { claimRef: null },
          metadata: { resourceVersion, annotations: { [boundByController]: null } },
        })
      : mergePatch(volume, { spec: { claimRef: { uid: null } }, metadata: { resourceVersion } }),
  ]
}

/** With Retain it waits for a person, with Delete the provisioner that made it takes it away. Nothing here empties or removes one. */
function reclaimFailure({ metadata, spec }: PersistentVolume): { reason: string; message: string } | null {
  switch (spec?.persistentVolumeReclaimPolicy) {
    case 'Recycle':
      return { reason: 'VolumeFailedRecycle', message: 'No recycler plugin found for the volume!' }
    case 'Delete': {
      if (metadata.annotations?.[provisionedBy]) return null
      const message = `error getting deleter volume plugin for volume ${JSON.stringify(metadata.name)}: no deletable volume plugin matched`
      return { reason: 'VolumeFailedDelete', message }
    }
    default:
      return null
  }
}
