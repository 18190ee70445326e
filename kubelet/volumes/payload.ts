/** Pure: which keys of an object become which files. */
import type { ConfigMap, KeyToPath, Secret } from '../../api/generated/types.ts'
import { type Payload, VolumeError } from './volume-kind.ts'

export interface Selection {
  items?: KeyToPath[] | undefined
  optional?: boolean | undefined
  defaultMode: number
}

export const configMapBytes = ({ data = {}, binaryData = {} }: ConfigMap): Map<string, Buffer> =>
  new Map([
    ...Object.entries(data).map(([key, value]) => [key, Buffer.from(value)] as const),
    ...Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
  ])

export const secretBytes = ({ data = {} }: Secret): Map<string, Buffer> =>
  new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]))

/** All keys, or the named ones at their paths; a named key that is missing is an error unless the source is optional. */
export function selectKeys(data: ReadonlyMap<string, Buffer>, { items, optional, defaultMode }: Selection): Payload {
  if (!items) return new Map([...data].map(([key, content]) => [key, { content, mode: defaultMode }]))
  const files: Payload = new Map()
  for (const { key, path, mode } of items) {
    const content = data.get(key)
    if (content) files.set(path, { content, mode: mode ?? defaultMode })
    else if (!optional) throw new VolumeError(`references non-existent config key: ${key}`)
  }
  return files
}
