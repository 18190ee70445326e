/** Structural schemas: what a custom resource's schema must be like so that pruning and defaulting know every field. */
import { forbidden, invalid, notSupported, required } from '../../api/field-error.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import { type Errors } from './field-rules.ts'

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']

type Schema = JSONSchemaProps & Record<string, unknown>

export function validateStructuralSchema(errors: Errors, path: string, root: JSONSchemaProps): void {
  const schema = root as Schema
  if (schema.type !== 'object') {
    if (schema.type === undefined || schema.type === '') errors.push(required(`${path}.type`, 'must not be empty at the root'))
    else errors.push(invalid(`${path}.type`, schema.type, 'must be object at the root'))
  }
  if (schema.nullable) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  validateSchema(errors, path, schema, true)
}

/** The word of an extension as both spellings of generated types have it. */
const extension = (schema: Schema, name: string): unknown => schema[`x-kubernetes-${name}`]

function validateSchema(errors: Errors, path: string, schema: Schema, isRoot = false): void {
  const { type } = schema
  const intOrString = extension(schema, 'int-or-string') === true
  const preserves = extension(schema, 'preserve-unknown-fields')
  if (!type && !isRoot && !intOrString && preserves !== true) {
    errors.push(required(`${path}.type`, 'must not be empty for specified object fields'))
  }
  if (type === 'null') errors.push(forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'))
  else if (type && !TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, TYPES))
  if (preserves !== undefined && preserves !== true) {
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, preserves, 'must be true or undefined'))
  }
  validateForbidden(errors, path, schema)
  validateListKind(errors, path, schema)
  if (schema.properties && schema.additionalProperties !== undefined && schema.additionalProperties !== false) {
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    // Metadata is the server's own: only its name may be narrowed.
    if (isRoot && name === 'metadata') continue
    validateSchema(errors, `${path}.properties[${name}]`, property as Schema)
  }
  if (schema.items && typeof schema.items === 'object' && !Array.isArray(schema.items)) {
    validateSchema(errors, `${path}.items`, schema.items as Schema)
  } else if (type === 'array' && !schema.items) errors.push(required(`${path}.items`, 'must be specified'))
  if (schema.additionalProperties && typeof schema.additionalProperties === 'object') {
    validateSchema(errors, `${path}.additionalProperties`, schema.additionalProperties as Schema)
  }
  validateRules(errors, path, schema)
}

const NOT_SUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const

function validateForbidden(errors: Errors, path: string, schema: Schema): void {
  for (const member of NOT_SUPPORTED) {
    const value = schema[member]
    if (value !== undefined && value !== null && value !== '')
      errors.push(forbidden(`${path}.${member}`, `${member} is not supported`))
  }
  if (schema.uniqueItems) {
    errors.push(
      forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'),
    )
  }
  if (Array.isArray(schema.items)) errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'))
  if (typeof schema.pattern === 'string') {
    try {
      new RegExp(schema.pattern, 'u')
    } catch (error) {
      // Upstream's expressions have a few notations of their own: only what neither can read is refused.
      if (!/\(\?[a-zA-Z]|\\[AzQE]|\[\[:/.test(schema.pattern)) {
        errors.push(
          invalid(
            `${path}.pattern`,
            schema.pattern,
            `must be a valid regular expression, but isn't: ${(error as Error).message}`,
          ),
        )
      }
    }
  }
}

function validateListKind(errors: Errors, path: string, schema: Schema): void {
  const listType = extension(schema, 'list-type')
  const mapType = extension(schema, 'map-type')
  const keys = (extension(schema, 'list-map-keys') ?? []) as string[]
  if (mapType !== undefined) {
    if (schema.type !== 'object')
      errors.push(invalid(`${path}.type`, schema.type ?? '', 'must be object if x-kubernetes-map-type is specified'))
    if (mapType !== 'atomic' && mapType !== 'granular') {
      errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
    }
  }
  if (listType !== undefined) {
    if (schema.type !== 'array')
      errors.push(invalid(`${path}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'))
    if (listType !== 'atomic' && listType !== 'set' && listType !== 'map') {
      errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']))
    }
  }
  if (keys.length > 0 && listType !== 'map') {
    errors.push(
      invalid(`${path}.x-kubernetes-list-type`, listType ?? null, 'must be map if x-kubernetes-list-map-keys is non-empty'),
    )
  }
  if (listType === 'map') validateListMap(errors, path, schema, keys)
}

function validateListMap(errors: Errors, path: string, schema: Schema, keys: readonly string[]): void {
  if (keys.length === 0)
    errors.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'))
  const items = schema.items as Schema | undefined
  if (!items) {
    errors.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
    return
  }
  if (items.type !== 'object') {
    errors.push(invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"))
  }
  keys.forEach((key, i) => {
    const property = items.properties?.[key] as Schema | undefined
    if (!property) {
      errors.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'))
      return
    }
    if (property.default === undefined && !items.required?.includes(key)) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'
      errors.push(required(`${path}.items.properties[${key}].default`, why))
    }
    if (keys.indexOf(key) < i)
      errors.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries'))
  })
}

function validateRules(errors: Errors, path: string, schema: Schema): void {
  const rules = (extension(schema, 'validations') ?? []) as { rule?: string; message?: string }[]
  rules.forEach(({ rule, message }, i) => {
    const at = `${path}.x-kubernetes-validations[${i}]`
    if (!rule?.trim()) errors.push(required(`${at}.rule`, 'rule is not specified'))
    if (message !== undefined && message.trim() === '')
      errors.push(invalid(`${at}.message`, message, 'message must be non-empty if specified'))
  })
}
