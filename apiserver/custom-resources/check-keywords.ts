/** Which keywords a schema may use, and with what values. */
import { forbidden, invalid, notSupported, required, type FieldError } from '../../api/field-error.ts'
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/types.ts'
import { ruleComplaint } from './compile-rules.ts'

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']

/** What holds where the schema is: inside of metadata, or where defaults have no place. */
interface Place {
  insideMetadata: boolean
  /** Why defaults are forbidden here; undefined where they are not. */
  noDefaults?: string
}

type Schema = JSONSchemaProps

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)

const OWN = new Set(['metadata', 'kind', 'apiVersion'])

export function checkKeywords(root: Schema, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (root.nullable) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  walk(errors, root, path, { insideMetadata: false }, true)
  return errors
}

function walk(errors: FieldError[], schema: Schema, path: string, place: Place, isRoot = false): void {
  checkStandard(errors, schema, path, place)
  if (schema.uniqueItems) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    errors.push(forbidden(`${path}.uniqueItems`, why))
  }
  walkMembers(errors, schema, path, place, isRoot)
  for (const key of ['allOf', 'oneOf', 'anyOf'] as const)
    schema[key]?.forEach((inner, index) => walk(errors, inner, `${path}.${key}[${index}]`, place))
  if (schema.not) walk(errors, schema.not, `${path}.not`, place)
  if (isSchema(schema.items)) walk(errors, schema.items, `${path}.items`, place)
  const preserves = schema['x-kubernetes-preserve-unknown-fields']
  if (preserves === false)
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  checkMapType(errors, schema, path)
  checkListType(errors, schema, path)
  checkRules(errors, schema['x-kubernetes-validations'] ?? [], path)
}

function walkMembers(errors: FieldError[], schema: Schema, path: string, place: Place, isRoot: boolean): void {
  const { properties = {}, additionalProperties } = schema
  if (additionalProperties !== undefined && additionalProperties !== null) {
    if (Object.keys(properties).length > 0 && additionalProperties !== true)
      errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
    const noDefaults = 'inside additionalProperties applying to object metadata'
    const inner = place.insideMetadata ? { ...place, noDefaults } : place
    if (isSchema(additionalProperties)) walk(errors, additionalProperties, `${path}.additionalProperties`, inner)
  }
  for (const [name, property] of Object.entries(properties)) {
    let inner = place
    if ((isRoot || schema['x-kubernetes-embedded-resource']) && OWN.has(name))
      inner = { ...place, insideMetadata: true, ...(isRoot && { noDefaults: `in top-level ${name}` }) }
    walk(errors, property, `${path}.properties[${name}]`, inner)
  }
}

const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const

function checkStandard(errors: FieldError[], schema: Schema, path: string, { insideMetadata, noDefaults }: Place): void {
  const { type } = schema
  if (type && !TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, TYPES))
  if (schema.default !== undefined && noDefaults) errors.push(forbidden(`${path}.default`, `must not be set ${noDefaults}`))
  for (const name of UNSUPPORTED) {
    const value = schema[name]
    if (value !== undefined && value !== null && value !== '')
      errors.push(forbidden(`${path}.${name}`, `${name} is not supported`))
  }
  if (type === 'null') errors.push(forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'))
  if (Array.isArray(schema.items)) errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'))
  if (insideMetadata && schema['x-kubernetes-embedded-resource'])
    errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
}

function checkType(errors: FieldError[], { type }: Schema, path: string, wanted: string, why: string): boolean {
  if (type === wanted) return true
  errors.push(type ? invalid(`${path}.type`, type, why) : required(`${path}.type`, why))
  return false
}

function checkMapType(errors: FieldError[], schema: Schema, path: string): void {
  const mapType = schema['x-kubernetes-map-type']
  if (mapType === undefined) return
  checkType(errors, schema, path, 'object', 'must be object if x-kubernetes-map-type is specified')
  if (mapType !== 'atomic' && mapType !== 'granular')
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
}

function checkListType(errors: FieldError[], schema: Schema, path: string): void {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const items = isSchema(schema.items) ? schema.items : undefined
  const at = `${path}.x-kubernetes-list-type`
  if (listType !== undefined) {
    const isArray = checkType(errors, schema, path, 'array', 'must be array if x-kubernetes-list-type is specified')
    if (isArray && listType === 'set' && items) checkSetItems(errors, items, `${path}.items`)
    if (!['atomic', 'set', 'map'].includes(listType)) errors.push(notSupported(at, listType, ['atomic', 'set', 'map']))
  }
  if (keys.length > 0 && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty'
    errors.push(listType === undefined ? required(at, why) : invalid(at, listType, why))
  }
  if (listType === 'map') checkListMap(errors, items, keys, path)
  if (items && (listType === 'map' || listType === 'set')) {
    if (items.nullable)
      errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
    if (listType === 'map') checkMapKeys(errors, items, keys, path)
  }
}

function checkSetItems(errors: FieldError[], items: Schema, path: string): void {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const listType = items['x-kubernetes-list-type']
  const mapType = items['x-kubernetes-map-type']
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic')
    errors.push(invalid(`${path}.x-kubernetes-list-type`, listType, why))
  if (items.type === 'object' && mapType !== 'atomic') errors.push(invalid(`${path}.x-kubernetes-map-type`, mapType ?? null, why))
}

function checkListMap(errors: FieldError[], items: Schema | undefined, keys: readonly string[], path: string): void {
  const at = `${path}.x-kubernetes-list-map-keys`
  if (keys.length === 0) errors.push(required(at, 'must not be empty if x-kubernetes-list-type is map'))
  if (!items) {
    errors.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
    return
  }
  if (items.type !== 'object') {
    errors.push(invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"))
    return
  }
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key]
    if (!property) errors.push(invalid(at, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.push(invalid(`${path}.items.properties[${key}].type`, property.type, why))
    }
    if (keys.indexOf(key) < index) errors.push(invalid(at, keys, 'must not contain duplicate entries'))
  }
}

/** Items are told apart by their keys: each must always be there. */
function checkMapKeys(errors: FieldError[], items: Schema, keys: readonly string[], path: string): void {
  for (const key of keys) {
    const property = items.properties?.[key]
    if (!property) continue
    const at = `${path}.items.properties[${key}]`
    const what = 'this property is in x-kubernetes-list-map-keys, so it'
    if (!items.required?.includes(key) && property.default === undefined)
      errors.push(required(`${at}.default`, `${what} must have a default or be a required property`))
    if (property.nullable) errors.push(forbidden(`${at}.nullable`, `${what} cannot be nullable`))
  }
}

function checkRules(errors: FieldError[], rules: readonly ValidationRule[], path: string): void {
  rules.forEach(({ rule, message }, index) => {
    const at = `${path}.x-kubernetes-validations[${index}]`
    if (!rule?.trim()) errors.push(required(`${at}.rule`, 'rule is not specified'))
    else {
      const complaint = ruleComplaint(rule)
      if (complaint) errors.push(invalid(`${at}.rule`, rule, `compilation failed: ${complaint}`))
    }
    if (message !== undefined && message.trim() === '')
      errors.push(invalid(`${at}.message`, message, 'message must be non-empty if specified'))
    else if (message?.trim().includes('\n'))
      errors.push(invalid(`${at}.message`, message, 'message must not contain line breaks'))
  })
}
