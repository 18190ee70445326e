/** Whether a value fits its structural schema, in the words of upstream's validator. Pure. */
import { RE2JS } from 're2js'
import { duplicate, invalid, notSupported, required, tooMany, typeInvalid, type FieldError } from '../../api/field-error.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'

type Json = unknown

const isObject = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Depth-first, in the order of the value. */
export function validateSchema(value: Json, schema: JSONSchemaProps, path = ''): FieldError[] {
  const errors: FieldError[] = []
  if (value === null && (schema.nullable || schema.type === undefined)) return errors
  if (!hasType(value, schema)) {
    const actual = typeName(value)
    return [typeInvalid(path, actual, `${path} in body must be of type ${schema.type}: ${JSON.stringify(actual)}`)]
  }
  checkEnum(errors, value, schema, path)
  if (typeof value === 'string') checkString(errors, value, schema, path)
  else if (typeof value === 'number') checkNumber(errors, value, schema, path)
  else if (Array.isArray(value)) checkArray(errors, value, schema, path)
  else if (isObject(value)) checkObject(errors, value, schema, path)
  checkCombinations(errors, value, schema, path)
  return errors
}

function hasType(value: Json, schema: JSONSchemaProps): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value)
  switch (schema.type) {
    case 'integer':
      return Number.isInteger(value)
    case 'number':
    case 'string':
    case 'boolean':
      return typeof value === schema.type
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    default:
      return true
  }
}

function typeName(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function checkEnum(errors: FieldError[], value: Json, { enum: values }: JSONSchemaProps, path: string): void {
  if (!values || values.some((one) => JSON.stringify(one) === JSON.stringify(value))) return
  errors.push(
    notSupported(
      path,
      value,
      values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
    ),
  )
}

function checkString(errors: FieldError[], value: string, schema: JSONSchemaProps, path: string): void {
  const length = [...value].length
  const { minLength, maxLength, pattern } = schema
  if (minLength !== undefined && length < minLength)
    errors.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`))
  if (maxLength !== undefined && length > maxLength)
    errors.push({ reason: 'FieldValueTooLong', field: path, message: `Too long: may not be more than ${maxLength} bytes` })
  if (pattern !== undefined && !patternOf(pattern).matcher(value).find())
    errors.push(invalid(path, value, `${path} in body should match '${pattern}'`))
}

const patterns = new Map<string, ReturnType<typeof RE2JS.compile>>()

/** Users' expressions: never the backtracking kind, which one of them could stop the server with. */
function patternOf(pattern: string) {
  let compiled = patterns.get(pattern)
  if (!compiled) {
    if (patterns.size > 1000) patterns.clear()
    patterns.set(pattern, (compiled = RE2JS.compile(pattern)))
  }
  return compiled
}

function checkNumber(errors: FieldError[], value: number, schema: JSONSchemaProps, path: string): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum))
    errors.push(
      invalid(path, value, `${path} in body should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`),
    )
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum))
    errors.push(invalid(path, value, `${path} in body should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`))
  if (multipleOf !== undefined && value % multipleOf !== 0)
    errors.push(invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`))
}

function checkArray(errors: FieldError[], value: Json[], schema: JSONSchemaProps, path: string): void {
  const { minItems, maxItems, items } = schema
  if (minItems !== undefined && value.length < minItems)
    errors.push(invalid(path, value.length, `${path} in body should have at least ${minItems} items`))
  if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems))
  if (isObject(items))
    for (const [index, item] of value.entries())
      errors.push(...validateSchema(item, items as JSONSchemaProps, `${path}[${index}]`))
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const listType = schema['x-kubernetes-list-type']
  if (listType !== 'set' && listType !== 'map') return
  const seen = new Set<string>()
  for (const [index, item] of value.entries()) {
    const identity = listType === 'map' && isObject(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item
    const text = JSON.stringify(identity)
    if (seen.has(text)) errors.push(duplicate(`${path}[${index}]`, identity))
    seen.add(text)
  }
}

function checkObject(errors: FieldError[], value: Record<string, Json>, schema: JSONSchemaProps, path: string): void {
  const { properties = {}, additionalProperties, minProperties, maxProperties } = schema
  const below = (name: string) => (path ? `${path}.${name}` : name)
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) errors.push(required(below(name)))
  const count = Object.keys(value).length
  if (minProperties !== undefined && count < minProperties)
    errors.push(invalid(path, count, `${path} in body should have at least ${minProperties} properties`))
  if (maxProperties !== undefined && count > maxProperties) errors.push(tooMany(path, count, maxProperties))
  for (const [name, member] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name)
      ? properties[name]
      : isObject(additionalProperties)
        ? additionalProperties
        : undefined
    // The API server has checked the metadata of the whole object by its own rules.
    if (property && !(path === '' && name === 'metadata'))
      errors.push(...validateSchema(member, property as JSONSchemaProps, below(name)))
  }
}

function checkCombinations(errors: FieldError[], value: Json, { allOf, anyOf, oneOf, not }: JSONSchemaProps, path: string): void {
  const fits = (schema: JSONSchemaProps) => validateSchema(value, schema, path).length === 0
  for (const schema of allOf ?? []) errors.push(...validateSchema(value, schema, path))
  if (anyOf && !anyOf.some(fits)) errors.push(invalid(path, value, `${path} in body must validate at least one schema (anyOf)`))
  if (oneOf && oneOf.filter(fits).length !== 1) {
    const found = oneOf.some(fits) ? 'more than one' : 'none'
    errors.push(invalid(path, value, `${path} in body must validate one and only one schema (oneOf). Found ${found} valid`))
  }
  if (not && fits(not)) errors.push(invalid(path, value, `${path} in body must not validate the schema (not)`))
}
