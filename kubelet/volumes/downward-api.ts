/** downwardAPI: fields of the pod and resources of its containers as files. */
import type { Container, DownwardAPIVolumeFile } from '../../api/generated/types.ts'
import { podField, resourceField } from '../pods/pod-fields.ts'
import { type Payload, type PayloadKind, type VolumeContext, VolumeError } from './volume-kind.ts'

export const downwardApi: PayloadKind = {
  name: 'downward-api',
  matches: (volume) => volume.downwardAPI !== undefined,
  async payload({ downwardAPI }, context) {
    const { items = [], defaultMode = 0o644 } = downwardAPI!
    return downwardFiles(items, defaultMode, context)
  },
}

export function downwardFiles(
  items: DownwardAPIVolumeFile[],
  defaultMode: number,
  { pod, addresses, allocatable }: VolumeContext,
): Payload {
  return new Map(
    items.map(({ path, fieldRef, resourceFieldRef, mode = defaultMode }) => {
      const text = fieldRef
        ? podField(pod, fieldRef.fieldPath, addresses)
        : resourceField(pod, pod.spec.containers[0] as Container, resourceFieldRef!, allocatable)
      if (text === undefined) throw new VolumeError(`unsupported fieldPath: ${fieldRef?.fieldPath}`)
      return [path, { content: Buffer.from(text), mode }]
    }),
  )
}
