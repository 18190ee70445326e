/** StorageObjectInUseProtection: volumes and claims are born with a finalizer, so that none goes while it is used. */
import type { AdmissionPlugin } from '../plugin.ts'
import { isWriteOf } from '../refuse.ts'

const FINALIZERS: Record<string, string> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  'volumeattributesclasses.storage.k8s.io': 'kubernetes.io/vac-protection',
}

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (attributes) => Object.keys(FINALIZERS).some((resource) => isWriteOf(attributes, resource, 'CREATE')),
  admit({ object, resource, group }) {
    const finalizer = FINALIZERS[group ? `${resource}.${group}` : resource]
    if (!object || !finalizer || object.metadata.finalizers?.includes(finalizer)) return
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer]
  },
}
