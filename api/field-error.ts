/** What validation returns: never thrown, collected, and turned into one 422 Status whose wording is upstream's. */

export type FieldErrorReason =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError'

export interface FieldError {
  reason: FieldErrorReason
  /** `spec.containers[0].name` */
  field: string
  /** The whole sentence after the path, as upstream words it: `Invalid value: "x": must be …`. */
  message: string
}

/** How Go's `%v`-style printing in upstream's field errors shows a value: strings quoted, the rest as JSON. */
const show = (value: unknown): string => (value === undefined ? 'null' : JSON.stringify(value))

export const required = (field: string, detail = ''): FieldError => ({
  reason: 'FieldValueRequired',
  field,
  message: detail ? `Required value: ${detail}` : 'Required value',
})

export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${show(value)}${detail && `: ${detail}`}`,
})

/** Names the supported values in the order given: upstream sorts some of its lists and not others. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${show(value)}${choiceOf(supported)}`,
})

const choices = new WeakMap<readonly string[], string>()

/** Once for each list: an object may be wrong about it in very many places. */
function choiceOf(supported: readonly string[]): string {
  let text = choices.get(supported)
  if (text === undefined) {
    text = supported.length > 0 ? `: supported values: ${supported.map(show).join(', ')}` : ''
    choices.set(supported, text)
  }
  return text
}

export const duplicate = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${show(value)}`,
})

export const forbidden = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${detail}`,
})

export const notFoundValue = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueNotFound',
  field,
  message: `Not found: ${show(value)}`,
})

export const tooLong = (field: string, maximum: number): FieldError => ({
  reason: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${maximum} bytes`,
})

export const tooMany = (field: string, actual: number, maximum: number): FieldError => ({
  reason: 'FieldValueTooMany',
  field,
  message: `Too many: ${actual}: must have at most ${maximum} items`,
})

export const typeInvalid = (field: string, value: unknown, detail: string): FieldError => ({
  reason: 'FieldValueTypeInvalid',
  field,
  message: `Invalid value: ${show(value)}: ${detail}`,
})
