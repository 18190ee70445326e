/** ExtendedResourceToleration (off by default): who asks for a device may go to the nodes that are kept for it. */
import type { Pod } from '../../../api/generated/types.ts'
import type { AdmissionPlugin } from '../plugin.ts'
import { isExtendedResource } from './pod-resources.ts'
import { isWriteOf } from '../refuse.ts'

export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  handles: (attributes) => isWriteOf(attributes, 'pods', 'CREATE', 'UPDATE'),
  admit({ object }) {
    const { spec } = object as Pod
    if (!spec) return
    const containers = [...spec.containers, ...(spec.initContainers ?? [])]
    const names = new Set(
      containers.flatMap(({ resources }) => Object.keys(resources?.requests ?? {}).filter(isExtendedResource)),
    )
    for (const key of [...names].sort()) {
      const wanted = { key, operator: 'Exists', effect: 'NoSchedule' }
      const present = spec.tolerations?.some(
        (one) =>
          one.key === key && one.operator === 'Exists' && one.effect === 'NoSchedule' && one.tolerationSeconds === undefined,
      )
      if (!present) spec.tolerations = [...(spec.tolerations ?? []), wanted]
    }
  },
}
