/** Models as JSON schemas, in the dialects of OpenAPI 2 and 3, with upstream's extensions. */
import type { JsonObject } from '../json.ts'
import { isAtomicField, isAtomicModel, isQuantityField, listStrategy } from './list-strategies.ts'
import { modelOf, type FieldSchema } from './models.ts'
import { definitionName } from './openapi-names.ts'

export type Dialect = 'v2' | 'v3'

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity'
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'
export const TIME = 'io.k8s.apimachinery.pkg.apis.meta.v1.Time'
const MICRO_TIME = 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime'
const FIELDS_V1 = 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1'
const RAW_EXTENSION = 'io.k8s.apimachinery.pkg.runtime.RawExtension'

/** Types that are models upstream and plain formats in ours. */
export const scalarDefinitions = (dialect: Dialect): Record<string, JsonObject> => ({
  [QUANTITY]: {
    description: 'A number with an optional suffix: 500m is half, 1Gi is 1024 to the third.',
    ...(dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] }),
  },
  [INT_OR_STRING]: {
    description: 'A number, or a string such as a percentage or the name of a port.',
    ...(dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'integer' }, { type: 'string' }] }),
    format: 'int-or-string',
  },
  [TIME]: { description: 'A time in RFC 3339, to the second.', type: 'string', format: 'date-time' },
  [MICRO_TIME]: { description: 'A time in RFC 3339, to the microsecond.', type: 'string', format: 'date-time' },
  [FIELDS_V1]: { description: 'A set of fields, as a tree of their names.', type: 'object' },
  [RAW_EXTENSION]: { description: 'Any object.', type: 'object' },
})

export const refTo = (name: string, dialect: Dialect): JsonObject => ({
  $ref: dialect === 'v2' ? `#/definitions/${name}` : `#/components/schemas/${name}`,
})

/** OpenAPI 3 allows nothing beside a `$ref`, so that upstream wraps it there. */
function referenceField(name: string, description: string | undefined, dialect: Dialect, struct: boolean): JsonObject {
  const ref = refTo(name, dialect)
  const text: JsonObject = description ? { description } : {}
  if (dialect === 'v2') return { ...text, ...ref }
  return { ...text, allOf: [ref], ...(struct && { default: {} }) }
}

export function schemaOfModel(model: string, dialect: Dialect, gvks: readonly JsonObject[] = []): JsonObject {
  const { description, required, fields } = modelOf(model)
  const properties: JsonObject = {}
  for (const name of Object.keys(fields).toSorted()) properties[name] = schemaOfField(model, name, fields[name]!, dialect)
  return {
    ...(description && { description }),
    type: 'object',
    ...(required.length > 0 && { required: required.toSorted() }),
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(gvks.length > 0 && { 'x-kubernetes-group-version-kind': [...gvks] }),
    ...(isAtomicModel(model) && { 'x-kubernetes-map-type': 'atomic' }),
  }
}

function schemaOfField(model: string, name: string, field: FieldSchema, dialect: Dialect): JsonObject {
  const quantity = isQuantityField(model, name)
  const schema = schemaOfType(field, dialect, quantity, field.description)
  const { patch, mergeKey, list, keys } = listStrategy(model, name) ?? {}
  const isItems = name === 'items' && model.endsWith('List')
  return {
    ...schema,
    ...(field.type === 'array' && !isItems && { 'x-kubernetes-list-type': list ?? 'atomic' }),
    ...(keys && { 'x-kubernetes-list-map-keys': [...keys] }),
    ...(isAtomicField(model, name) && { 'x-kubernetes-map-type': 'atomic' }),
    ...(mergeKey && { 'x-kubernetes-patch-merge-key': mergeKey }),
    ...(patch && { 'x-kubernetes-patch-strategy': patch.join(',') }),
  }
}

function schemaOfType(field: FieldSchema, dialect: Dialect, quantity: boolean, description?: string): JsonObject {
  const text: JsonObject = description ? { description } : {}
  switch (field.type) {
    case 'ref':
      return referenceField(definitionName(field.ref!), description, dialect, true)
    case 'array':
      return { ...text, type: 'array', items: schemaOfType(field.items!, dialect, quantity) }
    case 'object':
      return {
        ...text,
        type: 'object',
        ...(field.values && { additionalProperties: schemaOfType(field.values, dialect, quantity) }),
      }
    case 'int-or-string':
      return referenceField(INT_OR_STRING, description, dialect, false)
    case 'any':
      return { ...text, type: 'object' }
    case 'string':
      if (quantity) return referenceField(QUANTITY, description, dialect, false)
      if (field.format === 'date-time') return referenceField(TIME, description, dialect, false)
      if (field.format === 'date-time-micro') return referenceField(MICRO_TIME, description, dialect, false)
      return { ...text, type: 'string', ...(field.format && { format: field.format }) }
    default:
      return { ...text, type: field.type, ...(field.format && { format: field.format }) }
  }
}
