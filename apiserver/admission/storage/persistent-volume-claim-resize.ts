/** PersistentVolumeClaimResize: a claim grows only when it is bound and its storage class allows it. */
import type { PersistentVolumeClaim } from '../../../api/generated/types.ts'
import { compareQuantityText } from '../../../api/quantity.ts'
import type { AdmissionPlugin } from '../plugin.ts'
import { isWriteOf, refuse } from '../refuse.ts'

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  handles: (attributes) => isWriteOf(attributes, 'persistentvolumeclaims', 'UPDATE'),
  validate(attributes, { reader }) {
    const claim = attributes.object as PersistentVolumeClaim
    const old = attributes.oldObject as PersistentVolumeClaim
    if (compareQuantityText(sizeOf(claim), sizeOf(old)) <= 0) return
    if (old.status?.phase !== 'Bound') throw refuse(attributes, 'Only bound persistent volume claims can be expanded')
    const name = classOf(claim)
    const allowed = name !== '' && name === classOf(old) && reader.get('StorageClass', { name })?.allowVolumeExpansion
    if (allowed) return
    throw refuse(
      attributes,
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    )
  },
}

const sizeOf = ({ spec }: PersistentVolumeClaim): string => spec?.resources?.requests?.storage ?? '0'

const classOf = ({ spec, metadata }: PersistentVolumeClaim): string =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? ''
