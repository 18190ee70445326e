/** What a patch made of an object, read back as one: what does not fit is the patch's fault, and is shown as a value of `patch`. */
import { invalid as invalidField } from '../../api/field-error.ts'
import { isJsonObject, jsonType, type Json } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { goPrint } from '../../api/patch/strategic-merge.ts'
import { DecodeError } from '../../api/schema/decode.ts'
import { findDuplicateFields } from '../../api/schema/duplicate-fields.ts'
import { invalid, isBadRequest } from '../../api/status.ts'
import type { ResourceRequest } from '../api-context.ts'
import { fitObject, type FieldValidation } from './decode-object.ts'

/** What strict validation has against the patch itself, whatever it is applied to. */
export function complaintsOf(patch: Json, body: Buffer): string[] {
  const duplicates = findDuplicateFields(body.toString(), patch)
  if (!Array.isArray(patch)) return duplicates
  const unknown = patch.flatMap((operation, index) =>
    Object.keys(isJsonObject(operation) ? operation : {})
      .filter((member) => !OPERATION_MEMBERS.has(member))
      .map((member) => `unknown field "[${index}].${member}"`),
  )
  return [...duplicates, ...unknown].map((complaint) => `json patch ${complaint}`)
}

const OPERATION_MEMBERS: ReadonlySet<string> = new Set(['op', 'path', 'from', 'value'])

/** Of a JSON or merge patch. Changes `patched`. */
export const decodePatched = (
  request: ResourceRequest,
  patched: Record<string, unknown>,
  validation: FieldValidation,
  complaints: readonly string[],
): KubeObject => {
  // Reading drops what it does not know, which is what a strict client is to be shown.
  const whole = validation === 'Strict' ? JSON.stringify(patched) : undefined
  try {
    return fitObject(request, patched, validation, complaints)
  } catch (error) {
    if (error instanceof DecodeError || isBadRequest(error)) throw invalidPatch(whole ?? JSON.stringify(patched), error.message)
    throw error
  }
}

/** Of a strategic merge patch, which upstream puts into Go structs without going by JSON: its words are others, and kinds do not count. */
export function decodeStrategic(
  request: ResourceRequest,
  { apiVersion: _, kind: _kind, ...patched }: Record<string, unknown>,
  patch: Json,
  validation: FieldValidation,
  complaints: readonly string[],
): KubeObject {
  try {
    return fitObject(request, patched, validation, complaints)
  } catch (error) {
    if (error instanceof DecodeError) throw invalidPatch(goPrint(patch), inWordsOfConverter(error))
    throw error
  }
}

/** Upstream names neither the kind nor the object here. */
const invalidPatch = (shown: string, why: string) => invalid('', '', '', [invalidField('patch', shown, why)])

function inWordsOfConverter({ message, mismatch }: DecodeError): string {
  if (!mismatch) return message
  const { value, goType } = mismatch
  if (goType.startsWith('map[')) return `cannot restore map from ${goKind(value)}`
  if (goType.startsWith('[]')) return `cannot restore slice from ${goKind(value)}`
  if (/^v\d/.test(goType)) return `cannot restore struct from: ${goKind(value)}`
  return `cannot convert ${goTypeOf(value)} to ${goType}`
}

export const goTypeOf = (value: unknown) =>
  Array.isArray(value) ? '[]interface {}' : isJsonObject(value) ? 'map[string]interface {}' : goKind(value)

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice'
  if (isJsonObject(value)) return 'map'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return jsonType(value)
}
