/** DefaultStorageClass: a claim that names no class gets the default one, where there is one. */
import type { PersistentVolumeClaim, StorageClass } from '../../../api/generated/types.ts'
import type { AdmissionPlugin, ClusterReader } from '../plugin.ts'
import { isWriteOf } from '../refuse.ts'

const LEGACY_CLASS = 'volume.beta.kubernetes.io/storage-class'
const IS_DEFAULT = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  handles: (attributes) => isWriteOf(attributes, 'persistentvolumeclaims', 'CREATE'),
  admit({ object }, { reader }) {
    const claim = object as PersistentVolumeClaim
    if (!claim.spec || hasClass(claim)) return
    const found = findDefault(reader)
    if (found) claim.spec.storageClassName = found.metadata.name
  },
}

/** An empty name is a choice: a volume without any class. */
const hasClass = ({ spec, metadata }: PersistentVolumeClaim): boolean =>
  spec?.storageClassName !== undefined || metadata.annotations?.[LEGACY_CLASS] !== undefined

/** Of several, the newest; of those made in the same second, the first by name. */
function findDefault(reader: ClusterReader): StorageClass | undefined {
  return reader
    .list('StorageClass')
    .filter(({ metadata }) => IS_DEFAULT.some((key) => metadata.annotations?.[key] === 'true'))
    .sort((a, b) => byAge(b, a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]
}

const byAge = (a: StorageClass, b: StorageClass): number =>
  Date.parse(a.metadata.creationTimestamp ?? '') - Date.parse(b.metadata.creationTimestamp ?? '') || 0
