/** What an expression came to, as JSON: for what is written into objects. */
import { CelOpaque, CelOptional, isMap, typeOf, type CelValue } from '../../api/cel/values.ts'
import { toText } from '../../api/cel/functions.ts'
import type { Json } from '../../api/json.ts'
import { EvaluationError } from './evaluation.ts'

export function toJson(value: CelValue): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(toJson)
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member)]))
  if (value instanceof CelOptional || (value instanceof CelOpaque && value.options.text === undefined))
    throw new EvaluationError(`cannot convert ${typeOf(value)} to JSON`)
  return toText(value)
}
