/** Whether a value fits its structural schema, in the words of upstream's validator: each schema is compiled once into closures. */
import { duplicate, invalid, notSupported, required, tooMany, typeInvalid, type FieldError } from '../../api/field-error.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import { deepEqual } from '../../api/json.ts'
import { checkEmbedded } from './check-embedded.ts'
import { compilePattern, patternBudget, type PatternBudget } from './compile-pattern.ts'
import { fitsFormat } from './formats.ts'

type Json = unknown
type Members = Record<string, Json>
type Errors = FieldError[]
type Check = (value: Json, path: string, errors: Errors, budget: PatternBudget) => void

export type Validator = (value: Json) => FieldError[]

const isObject = (value: Json): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

export function compileValidator(schema: JSONSchemaProps, path = ''): Validator {
  const check = compile(schema)
  return (value) => {
    const errors: Errors = []
    check(value, path, errors, patternBudget())
    return errors
  }
}

function compile(schema: JSONSchemaProps): Check {
  const fits = typeTest(schema)
  const checks = [formatCheck, enumCheck, stringCheck, numberCheck, arrayCheck, objectCheck, embeddedCheck, combinationCheck]
    .map((make) => make(schema))
    .filter((check) => check !== undefined)
  const expected = schema['x-kubernetes-int-or-string'] ? 'integer,string' : (schema.type ?? '')
  return (value, path, errors, budget) => {
    if (value === null) {
      if (expected !== '' && !schema.nullable) errors.push(wrongType(path, expected, 'null'))
      return
    }
    // As upstream, which goes on: a value of the wrong type meets none of the checks of the right one.
    if (!fits(value)) return void errors.push(wrongType(path, expected, typeName(value)))
    for (const check of checks) check(value, path, errors, budget)
  }
}

const wrongType = (path: string, expected: string, actual: string) =>
  typeInvalid(path, actual, `${path} in body must be of type ${expected}: ${JSON.stringify(actual)}`)

function typeTest(schema: JSONSchemaProps): (value: Json) => boolean {
  if (schema['x-kubernetes-int-or-string']) return (value) => typeof value === 'string' || Number.isInteger(value)
  switch (schema.type) {
    case 'integer':
      return Number.isInteger
    case 'number':
    case 'string':
    case 'boolean':
      return (value) => typeof value === schema.type
    case 'array':
      return Array.isArray
    case 'object':
      return isObject
    default:
      return () => true
  }
}

function typeName(value: Json): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function formatCheck({ format }: JSONSchemaProps): Check | undefined {
  if (!format) return undefined
  return (value, path, errors) => {
    if (typeof value === 'string' && !fitsFormat(format, value))
      errors.push(invalid(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`))
  }
}

function enumCheck({ enum: values }: JSONSchemaProps): Check | undefined {
  if (!values || values.length === 0) return undefined
  const plain = new Set(values.filter((one) => typeof one !== 'object'))
  const shown = values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
  return (value, path, errors) => {
    if (plain.has(value) || (typeof value === 'object' && values.some((one) => deepEqual(one, value)))) return
    errors.push(notSupported(path, value, shown))
  }
}

function stringCheck({ minLength, maxLength, pattern }: JSONSchemaProps): Check | undefined {
  if (minLength === undefined && maxLength === undefined && !pattern) return undefined
  const matches = pattern ? compilePattern(pattern) : undefined
  return (value, path, errors, budget) => {
    if (typeof value !== 'string') return
    // Upstream counts characters, not UTF-16 units.
    const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length
    if (maxLength !== undefined && length > maxLength)
      errors.push({ reason: 'FieldValueTooLong', field: path, message: `Too long: may not be more than ${maxLength} bytes` })
    if (minLength !== undefined && length < minLength)
      errors.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`))
    if (!matches) return
    const matched = matches(value, budget)
    if (matched === undefined)
      errors.push(
        invalid(
          path,
          'string',
          `${path} in body cannot be compared with '${pattern}': the object has too much text for its patterns`,
        ),
      )
    else if (!matched) errors.push(invalid(path, value, `${path} in body should match '${pattern}'`))
  }
}

function numberCheck({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: JSONSchemaProps): Check | undefined {
  if (minimum === undefined && maximum === undefined && multipleOf === undefined) return undefined
  const isMultiple = (value: number, factor: number) => Number.isInteger(factor < 1 ? (1 / factor) * value : value / factor)
  return (value, path, errors) => {
    if (typeof value !== 'number') return
    const fails = (why: string) => errors.push(invalid(path, value, `${path} in body should be ${why}`))
    if (multipleOf !== undefined && !isMultiple(value, multipleOf)) fails(`a multiple of ${multipleOf}`)
    if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum))
      fails(`less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`)
    if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum))
      fails(`greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`)
  }
}

function arrayCheck(schema: JSONSchemaProps): Check | undefined {
  const { minItems, maxItems } = schema
  const item = isObject(schema.items) ? compile(schema.items as JSONSchemaProps) : undefined
  const unique = uniqueCheck(schema)
  if (minItems === undefined && maxItems === undefined && !item && !unique) return undefined
  return (value, path, errors, budget) => {
    if (!Array.isArray(value)) return
    if (item) for (let index = 0; index < value.length; index++) item(value[index], `${path}[${index}]`, errors, budget)
    if (minItems !== undefined && value.length < minItems)
      errors.push(invalid(path, value.length, `${path} in body should have at least ${minItems} items`))
    if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems))
    unique?.(value, path, errors)
  }
}

/** Sets and maps by key hold each member once. The first repetition is named, further ones are not. */
function uniqueCheck(schema: JSONSchemaProps): ((value: readonly Json[], path: string, errors: Errors) => void) | undefined {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (listType !== 'set' && listType !== 'map') return undefined
  const identityOf = (item: Json): Json => {
    if (listType === 'set') return item
    return isObject(item) ? Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(item, key) ? [[key, item[key]]] : []))) : {}
  }
  return (value, path, errors) => {
    const seen = new Map<string, number>()
    for (const [index, item] of value.entries()) {
      const identity = identityOf(item)
      const text = JSON.stringify(identity)
      const times = seen.get(text) ?? 0
      if (times === 1) errors.push(duplicate(`${path}[${index}]`, identity))
      seen.set(text, times + 1)
    }
  }
}

function objectCheck(schema: JSONSchemaProps): Check | undefined {
  const { minProperties, maxProperties, additionalProperties } = schema
  const members = new Map(Object.entries(schema.properties ?? {}).map(([name, property]) => [name, compile(property)]))
  const free = isObject(additionalProperties) ? compile(additionalProperties as JSONSchemaProps) : undefined
  const mandatory = schema.required ?? []
  const counted = minProperties !== undefined || maxProperties !== undefined
  if (members.size === 0 && !free && mandatory.length === 0 && !counted) return undefined
  return (value, path, errors, budget) => {
    if (!isObject(value)) return
    const below = path === '' ? '' : `${path}.`
    if (counted) {
      const count = Object.keys(value).length
      if (minProperties !== undefined && count < minProperties)
        return void errors.push(invalid(path, count, `${path} in body should have at least ${minProperties} properties`))
      if (maxProperties !== undefined && count > maxProperties) return void errors.push(tooMany(path, count, maxProperties))
    }
    for (const name in value) (members.get(name) ?? free)?.(value[name], below + name, errors, budget)
    for (const name of mandatory) if (!Object.hasOwn(value, name)) errors.push(required(below + name))
  }
}

const embeddedCheck = (schema: JSONSchemaProps): Check | undefined =>
  schema['x-kubernetes-embedded-resource']
    ? (value, path, errors) => {
        if (isObject(value)) errors.push(...checkEmbedded(value, path))
      }
    : undefined

/** Of alternatives that all fail, the complaints of the one that came closest are shown. */
function combinationCheck({ allOf = [], anyOf = [], oneOf = [], not }: JSONSchemaProps): Check | undefined {
  if (allOf.length + anyOf.length + oneOf.length === 0 && !not) return undefined
  const [all, any, one] = [allOf, anyOf, oneOf].map((schemas) => schemas.map(compile)) as [Check[], Check[], Check[]]
  const never = not && compile(not)
  const run = (check: Check, value: Json, path: string, budget: PatternBudget): Errors => {
    const errors: Errors = []
    check(value, path, errors, budget)
    return errors
  }
  // What is wrong with a combination has no field of its own.
  const fails = (errors: Errors, path: string, why: string) =>
    errors.push(invalid('<nil>', '', `${JSON.stringify(path)} must ${why}`))
  return (value, path, errors, budget) => {
    if (any.length > 0) {
      const results = any.map((check) => run(check, value, path, budget))
      if (results.every((result) => result.length > 0)) {
        fails(errors, path, 'validate at least one schema (anyOf)')
        errors.push(...fewest(results))
      }
    }
    if (one.length > 0) {
      const results = one.map((check) => run(check, value, path, budget))
      const valid = results.filter((result) => result.length === 0).length
      if (valid !== 1) {
        const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`
        fails(errors, path, `validate one and only one schema (oneOf). ${found}`)
        if (valid === 0) errors.push(...fewest(results))
      }
    }
    if (all.length > 0) {
      const results = all.map((check) => run(check, value, path, budget))
      errors.push(...results.flat())
      const valid = results.filter((result) => result.length === 0).length
      if (valid !== all.length) fails(errors, path, `validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`)
    }
    if (never && run(never, value, path, budget).length === 0) fails(errors, path, 'not validate the schema (not)')
  }
}

const fewest = (results: readonly Errors[]): Errors =>
  results.reduce((best, result) => (result.length < best.length ? result : best))
