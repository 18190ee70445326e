/** A storage class: who makes its volumes, of what, and when. */
import type { StorageClass } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatBoolean, formatPairs, Page } from './page.ts'

const DEFAULT_ANNOTATIONS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const storageClassDescriber: Describer<StorageClass> = {
  kind: 'StorageClass',
  group: 'storage.k8s.io',
  describe({ metadata, ...storage }, _, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    const isDefault = DEFAULT_ANNOTATIONS.some((key) => metadata.annotations?.[key] === 'true')
    page.line(0, 'IsDefaultClass:', isDefault ? 'Yes' : 'No')
    page.line(0, 'Annotations:', formatPairs(metadata.annotations))
    page.line(0, 'Provisioner:', storage.provisioner)
    page.line(0, 'Parameters:', formatPairs(storage.parameters))
    page.line(0, 'AllowVolumeExpansion:', formatBoolean(storage.allowVolumeExpansion))
    if (storage.mountOptions?.length) {
      page.line(0, 'MountOptions:')
      for (const option of storage.mountOptions) page.line(1, option)
    } else {
      page.line(0, 'MountOptions:', '<none>')
    }
    if (storage.reclaimPolicy) page.line(0, 'ReclaimPolicy:', storage.reclaimPolicy)
    if (storage.volumeBindingMode) page.line(0, 'VolumeBindingMode:', storage.volumeBindingMode)
    const { allowedTopologies: topologies } = storage
    if (topologies) page.line(0, 'AllowedTopologies:', topologies.length > 0 ? '' : '<none>')
    topologies?.forEach(({ matchLabelExpressions = [] }, index) => {
      const requirements = matchLabelExpressions.map(({ key, values }) => `${key} in [${values.join(', ')}]`)
      page.list(1, `Term ${index}`, requirements)
    })
    return describeEvents(page, events, now).toString()
  },
}
