/** Structural schemas: every field is declared outside of logic (`anyOf`, `not` …), so that pruning and defaulting know them all. */
import { forbidden, invalid, required, type FieldError } from '../../api/field-error.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import { deepEqual } from '../../api/json.ts'
import { patternComplaint } from './compile-pattern.ts'

type Schema = JSONSchemaProps
type Level = 'root' | 'item' | 'field'

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Sorted, as upstream tells them. */
export function checkStructure(root: Schema, path: string): FieldError[] {
  const errors: FieldError[] = []
  walk(errors, root, 'root', path)
  complete(errors, root, root, path, path)
  const textOf = ({ field, message }: FieldError) => `${field}: ${message}`
  return errors.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
}

function walk(errors: FieldError[], schema: Schema, level: Level, path: string): void {
  const { items, properties = {}, additionalProperties } = schema
  if (schema.type === 'array' && !isSchema(items)) errors.push(required(`${path}.items`, 'must be specified'))
  if (isSchema(items)) walk(errors, items, 'item', `${path}.items`)
  for (const [name, property] of Object.entries(properties)) walk(errors, property, 'field', `${path}.properties[${name}]`)
  if (additionalProperties !== undefined && additionalProperties !== null) {
    if (level === 'root') errors.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'))
    if (isSchema(additionalProperties)) walk(errors, additionalProperties, 'field', `${path}.additionalProperties`)
  }
  checkExtensions(errors, schema, path)
  checkLogic(errors, schema, path, true)
  checkType(errors, schema, level, path)
  checkOwnMembers(errors, schema, level, path)
}

function checkExtensions(errors: FieldError[], schema: Schema, path: string): void {
  if (!schema['x-kubernetes-int-or-string']) return
  for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
    if (schema[name]) errors.push(invalid(`${path}.${name}`, true, 'must be false if x-kubernetes-int-or-string is true'))
}

const MISSING: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

function checkType(errors: FieldError[], schema: Schema, level: Level, path: string): void {
  const { type } = schema
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true
  if (embedded && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type ? invalid(`${path}.type`, type, why) : required(`${path}.type`, why))
  } else if (!type && !schema['x-kubernetes-int-or-string'] && !preserves) errors.push(required(`${path}.type`, MISSING[level]))
  if (level === 'root' && type && type !== 'object') errors.push(invalid(`${path}.type`, type, 'must be object at the root'))
  if (!embedded) return
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== null)
    errors.push(forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'))
  if (!preserves && Object.keys(schema.properties ?? {}).length === 0) {
    const why = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    errors.push(required(`${path}.properties`, why))
  }
}

/** Of the members that every object has a schema may narrow the names only. */
function checkOwnMembers(errors: FieldError[], schema: Schema, level: Level, path: string): void {
  if (level !== 'root' && !schema['x-kubernetes-embedded-resource']) return
  const wanted = { kind: 'string', apiVersion: 'string', metadata: 'object' }
  for (const [name, type] of Object.entries(wanted)) {
    const property = schema.properties?.[name]
    if (property && property.type !== type)
      errors.push(invalid(`${path}.properties[${name}].type`, property.type ?? '', `must be ${type}`))
  }
  const metadata = schema.properties?.['metadata']
  if (!metadata || level !== 'root') return
  const { type: _type, properties = {}, default: _default, ...more } = metadata
  const narrowed = Object.keys(properties).filter((name) => name !== 'name' && name !== 'generateName')
  const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
  if (narrowed.length > 0 || Object.keys(more).length > 0) errors.push(forbidden(`${path}.properties[metadata]`, why))
}

const INTEGER_OR_STRING = [{ type: 'integer' }, { type: 'string' }]
const isIntegerOrString = (schemas: unknown): boolean => deepEqual(schemas, INTEGER_OR_STRING)

/** `mayBeEither`: the one place where logic may say types, in the one form that upstream takes. */
function checkLogic(errors: FieldError[], schema: Schema, path: string, mayBeEither: boolean): void {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema
  if (!(mayBeEither && isIntegerOrString(anyOf)))
    anyOf.forEach((inner, index) => checkNested(errors, inner, `${path}.anyOf[${index}]`))
  allOf.forEach((inner, index) =>
    checkNested(errors, inner, `${path}.allOf[${index}]`, mayBeEither && index === 0 && isIntegerOrString(inner.anyOf)),
  )
  oneOf.forEach((inner, index) => checkNested(errors, inner, `${path}.oneOf[${index}]`))
  if (not) checkNested(errors, not, `${path}.not`)
  if (!pattern) return
  const complaint = patternComplaint(pattern)
  if (complaint) errors.push(invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${complaint}`))
}

const EMPTY = ['type', 'title', 'description', 'x-kubernetes-list-map-keys'] as const
const UNDEFINED = ['additionalProperties', 'default', 'x-kubernetes-list-type', 'x-kubernetes-map-type'] as const
const FALSE = [
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
] as const

/** Inside of logic a schema may only restrict values. */
function checkNested(errors: FieldError[], schema: Schema, path: string, mayBeEither = false): void {
  checkLogic(errors, schema, path, mayBeEither)
  if (isSchema(schema.items)) checkNested(errors, schema.items, `${path}.items`)
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    checkNested(errors, property, `${path}.properties[${name}]`)
  const refuse = (name: string, must: string) => errors.push(forbidden(`${path}.${name}`, `must be ${must} to be structural`))
  for (const name of EMPTY) if (schema[name]?.length) refuse(name, 'empty')
  for (const name of UNDEFINED) if (schema[name] !== undefined && schema[name] !== null) refuse(name, 'undefined')
  for (const name of FALSE) if (schema[name]) refuse(name, 'false')
  if (schema.properties?.['metadata'])
    errors.push(forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context'))
}

/** Whatever the root's logic looks at must be declared outside of it; that of other places is not asked, as upstream. */
function complete(errors: FieldError[], schema: Schema, skeleton: Schema, path: string, outside: string): void {
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const)
    schema[key]?.forEach((inner, index) => completeNested(errors, inner, skeleton, `${path}.${key}[${index}]`, outside))
  if (schema.not) completeNested(errors, schema.not, skeleton, `${path}.not`, outside)
}

function completeNested(errors: FieldError[], schema: Schema, skeleton: Schema, path: string, outside: string): void {
  complete(errors, schema, skeleton, path, outside)
  const below = (inner: Schema, declared: unknown, where: string) => {
    if (isSchema(declared)) completeNested(errors, inner, declared, path + where, outside + where)
    else errors.push(required(outside + where, `because it is defined in ${path}${where}`))
  }
  if (isSchema(schema.items)) below(schema.items, skeleton.items, '.items')
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    below(property, skeleton.properties?.[name], `.properties[${name}]`)
}
