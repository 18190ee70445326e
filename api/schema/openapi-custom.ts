/** The schema of a custom resource as it is published: with the members that every object has, in the words of each dialect. */
import { isJsonObject, type JsonObject } from '../json.ts'
import { modelOf } from './models.ts'
import { definitionName } from './openapi-names.ts'
import { refTo, type Dialect } from './openapi-schemas.ts'

/** A resource without a schema, or one that keeps what it does not know, is any object: members named would be the only ones allowed. */
export function customSchema(schema: JsonObject | undefined, dialect: Dialect): JsonObject {
  if (!schema || (dialect === 'v2' && schema[PRESERVES] === true)) return { type: 'object' }
  const header = customMembers(dialect, 'ObjectMeta')
  const body = withEmbedded(dialect === 'v2' ? toV2(schema) : schema, dialect)
  const properties = isJsonObject(body['properties']) ? body['properties'] : {}
  return { ...body, type: 'object', properties: { ...properties, ...header } }
}

const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'

/** In the words that people know from `kubectl explain`. */
const METADATA = {
  ObjectMeta: `Standard object's metadata. More info: ${CONVENTIONS}#metadata`,
  ListMeta: `Standard list metadata. More info: ${CONVENTIONS}#types-kinds`,
}

/** apiVersion, kind and metadata of an object or of a list. */
export function customMembers(dialect: Dialect, model: 'ObjectMeta' | 'ListMeta'): JsonObject {
  const { fields } = modelOf(model === 'ObjectMeta' ? 'Pod' : 'PodList')
  const text = (name: string): JsonObject => {
    const description = fields[name]?.description
    return description ? { description } : {}
  }
  const reference = refTo(definitionName(model), dialect)
  return {
    apiVersion: { ...text('apiVersion'), type: 'string' },
    kind: { ...text('kind'), type: 'string' },
    metadata: { description: METADATA[model], ...(dialect === 'v2' ? reference : { allOf: [reference] }) },
  }
}

const PRESERVES = 'x-kubernetes-preserve-unknown-fields'
const EMBEDDED = 'x-kubernetes-embedded-resource'

const mapMembers = (value: JsonObject, change: (schema: JsonObject) => JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, isJsonObject(inner) ? change(inner) : inner]))

/** Applies `change` to each schema below this one that describes a value of its own. */
function mapBelow(schema: JsonObject, change: (schema: JsonObject) => JsonObject): JsonObject {
  const { properties, items, additionalProperties } = schema
  return {
    ...schema,
    ...(isJsonObject(properties) && { properties: mapMembers(properties, change) }),
    ...(isJsonObject(items) && { items: change(items) }),
    ...(isJsonObject(additionalProperties) && { additionalProperties: change(additionalProperties) }),
  }
}

function withEmbedded(schema: JsonObject, dialect: Dialect): JsonObject {
  const inner = mapBelow(schema, (below) => withEmbedded(below, dialect))
  if (inner[EMBEDDED] !== true || (dialect === 'v2' && inner[PRESERVES] === true)) return inner
  const members = customMembers(dialect, 'ObjectMeta')
  const properties = isJsonObject(inner['properties']) ? inner['properties'] : {}
  const required = Array.isArray(inner['required']) ? inner['required'] : []
  return {
    ...inner,
    properties: { ...properties, ...members },
    required: [...new Set([...required, 'apiVersion', 'kind'])].sort(),
  }
}

/** Swagger 2 has no words for these; old clients refuse a document with them. */
const NOT_IN_V2 = ['anyOf', 'oneOf', 'allOf', 'not', 'nullable', 'default', 'x-kubernetes-validations']

/** What an old client cannot check it must not look at: no type where null or anything unknown may be. */
function toV2(schema: JsonObject): JsonObject {
  const result = mapBelow(schema, toV2)
  for (const name of NOT_IN_V2) delete result[name]
  const untyped = schema['nullable'] === true
  const open = schema[PRESERVES] === true
  if (untyped || open) {
    delete result['items']
    delete result['properties']
  }
  const { type } = result
  if (untyped || (open && type === 'object') || (type === 'array' && !result['items'])) delete result['type']
  if (schema['x-kubernetes-int-or-string'] === true) delete result['type']
  if (Array.isArray(result['required'])) dropNullable(result, schema)
  return result
}

/** A member that may be null counts as absent when it is. */
function dropNullable(result: JsonObject, { properties, additionalProperties }: JsonObject): void {
  const isNullable = (schema: unknown) => isJsonObject(schema) && schema['nullable'] === true
  const members = isJsonObject(properties) ? properties : {}
  const required = (result['required'] as string[]).filter((name) => !isNullable(members[name]))
  if (required.length > 0 && !isNullable(additionalProperties)) result['required'] = required
  else delete result['required']
}
