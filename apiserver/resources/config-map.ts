/** ConfigMap. */
import { forbidden, invalid, tooLong } from '../../api/field-error.ts'
import type { ConfigMap } from '../../api/generated/types.ts'
import { isConfigMapKey } from '../../api/names.ts'
import { AGE, integer, NAME } from './columns.ts'
import { check, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

/** Of all values together, in bytes: what one etcd value can hold with room to spare. */
export const MAX_DATA_SIZE = 1024 * 1024

export const configMap: ResourceBehaviour<ConfigMap> = {
  validate: ({ data, binaryData }) => {
    const errors: Errors = []
    let size = 0
    for (const key in data) {
      check(errors, `data[${key}]`, key, isConfigMapKey(key))
      if (binaryData && key in binaryData) {
        errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
      }
      size += Buffer.byteLength(data[key]!)
    }
    for (const key in binaryData) {
      check(errors, `binaryData[${key}]`, key, isConfigMapKey(key))
      size += decodedLength(binaryData[key]!)
    }
    if (size > MAX_DATA_SIZE) errors.push(tooLong('', MAX_DATA_SIZE))
    return errors
  },
  validateUpdate: (configMap, old) => (old.immutable ? immutableErrors(configMap, old, ['data', 'binaryData']) : []),
  columns: [
    NAME,
    integer(
      'Data',
      'The number of keys.',
      ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    ),
    AGE,
  ],
}

/** Bytes behind base64 text, without decoding it. */
export function decodedLength(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return (base64.length / 4) * 3 - padding
}

/** What `immutable: true` closes, itself included. */
export function immutableErrors<T extends { immutable?: boolean | undefined }>(
  object: T,
  old: T,
  members: readonly (keyof T & string)[],
): Errors {
  const errors: Errors = []
  const why = 'field is immutable when `immutable` is set'
  if (!object.immutable) errors.push(forbidden('immutable', why))
  for (const member of members) if (!sameJson(object[member], old[member])) errors.push(forbidden(member, why))
  return errors
}
