/** Which volume suits a claim: the smallest that is free and has all that is asked for. Pure. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../../api/generated/types.ts'
import { toSelector } from '../../../api/labels.ts'
import { compareQuantityText } from '../../../api/quantity.ts'

export const boundByController = 'pv.kubernetes.io/bound-by-controller'
export const bindCompleted = 'pv.kubernetes.io/bind-completed'
/** Who made the volume, and takes it away again. */
export const provisionedBy = 'pv.kubernetes.io/provisioned-by'
export const selectedNode = 'volume.kubernetes.io/selected-node'

const capacityOf = ({ spec }: PersistentVolume): string => spec?.capacity?.['storage'] ?? '0'

/** The class that was asked for; an empty one asks for volumes without any. */
export const classOf = ({ metadata, spec }: PersistentVolumeClaim): string =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? ''

/** Reserved for this claim, by name before it was made, by UID since. */
export function isReservedFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const reference = spec?.claimRef
  if (!reference || reference.namespace !== metadata.namespace || reference.name !== metadata.name) return false
  return !reference.uid || reference.uid === metadata.uid
}

export function findVolume(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[]): PersistentVolume | undefined {
  const reserved = volumes.find((volume) => volume.spec?.claimRef && isReservedFor(volume, claim) && suits(claim, volume, false))
  if (reserved) return reserved
  const selector = claim.spec?.selector && toSelector(claim.spec.selector)
  return volumes
    .filter((volume) => !volume.spec?.claimRef && volume.status?.phase === 'Available' && !volume.metadata.deletionTimestamp)
    .filter((volume) => suits(claim, volume, true) && (!selector || selector.matches(volume.metadata.labels)))
    .toSorted((a, b) => compareQuantityText(capacityOf(a), capacityOf(b)) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]
}

function suits(claim: PersistentVolumeClaim, volume: PersistentVolume, sameClass: boolean): boolean {
  const wanted = claim.spec?.resources?.requests?.['storage'] ?? '0'
  return (
    compareQuantityText(capacityOf(volume), wanted) >= 0 &&
    (claim.spec?.volumeMode ?? 'Filesystem') === (volume.spec?.volumeMode ?? 'Filesystem') &&
    (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode)) &&
    (!sameClass || classOf(claim) === (volume.spec?.storageClassName ?? ''))
  )
}
