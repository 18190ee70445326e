/** How values merge under server-side apply: what has one owner as a whole, and what is owned piece by piece. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts'
import { isAtomicField, isAtomicModel, keyDefaults, listStrategy } from '../schema/list-strategies.ts'
import { modelOf, type FieldSchema } from '../schema/models.ts'

export type MergeType =
  /** Scalars, atomic lists and atomic maps. */
  | { kind: 'atomic' }
  /** Owned by member. `isField`: declared by the schema, not a free key of a map. */
  | { kind: 'map'; field: (name: string) => MergeType; isField: (name: string) => boolean }
  /** A list of plain values, owned by value. */
  | { kind: 'set' }
  /** A list of maps, owned by the values of `keys` (sorted); `defaults` stand in for keys left out. */
  | { kind: 'list-map'; keys: readonly string[]; defaults: Readonly<Record<string, Json>>; items: MergeType }

const ATOMIC: MergeType = { kind: 'atomic' }
/** What has no schema: maps by member, lists as a whole. */
const DEDUCED: MergeType = { kind: 'map', field: () => DEDUCED, isField: () => false }

const models = new Map<string, MergeType>()

export function mergeTypeOfModel(model: string): MergeType {
  let type = models.get(model)
  if (!type) {
    type = isAtomicModel(model) ? ATOMIC : structOf(model)
    models.set(model, type)
  }
  return type
}

function structOf(model: string): MergeType {
  const { fields } = modelOf(model)
  const types = new Map<string, MergeType>()
  return {
    kind: 'map',
    isField: (name) => Object.hasOwn(fields, name),
    field: (name) => {
      let type = types.get(name)
      if (!type) {
        // Models may hold themselves: a field is looked at when a value first has it.
        type = Object.hasOwn(fields, name) ? typeOfField(model, name, fields[name]!) : DEDUCED
        if (type !== DEDUCED) types.set(name, type)
      }
      return type
    },
  }
}

function typeOfField(model: string, name: string, schema: FieldSchema): MergeType {
  if (schema.type === 'ref') return mergeTypeOfModel(schema.ref!)
  if (schema.type === 'object')
    return isAtomicField(model, name) ? ATOMIC : mapOf(schema.values ? typeOfValue(schema.values) : DEDUCED)
  if (schema.type !== 'array') return ATOMIC
  const { list, keys = [] } = listStrategy(model, name) ?? {}
  const item = schema.items!.ref
  if (list === 'set') return { kind: 'set' }
  if (list !== 'map' || item === undefined) return ATOMIC
  return { kind: 'list-map', keys: keys.toSorted(), defaults: keyDefaults(item), items: mergeTypeOfModel(item) }
}

const typeOfValue = (schema: FieldSchema): MergeType => (schema.type === 'ref' ? mergeTypeOfModel(schema.ref!) : ATOMIC)

const mapOf = (values: MergeType): MergeType => ({ kind: 'map', field: () => values, isField: () => false })

/** The type of a custom resource: its structural schema below the members that every object has. */
export function mergeTypeOfCustomResource(schema: JsonObject | undefined): MergeType {
  const type = schema ? typeOfJsonSchema(schema) : DEDUCED
  if (type.kind !== 'map') return type
  const metadata = mergeTypeOfModel('ObjectMeta')
  return { ...type, field: (name) => (name === 'metadata' ? metadata : type.field(name)) }
}

function typeOfJsonSchema(schema: JsonObject): MergeType {
  if (schema['type'] === 'array') return typeOfJsonList(schema)
  if (schema['x-kubernetes-map-type'] === 'atomic') return ATOMIC
  const { properties, additionalProperties } = schema
  if (isJsonObject(properties)) {
    const types = new Map<string, MergeType>()
    return {
      kind: 'map',
      isField: (name) => Object.hasOwn(properties, name),
      field: (name) => {
        const known = types.get(name)
        if (known) return known
        const property = Object.hasOwn(properties, name) ? properties[name] : undefined
        if (!isJsonObject(property)) return DEDUCED
        const type = typeOfJsonSchema(property)
        types.set(name, type)
        return type
      },
    }
  }
  if (isJsonObject(additionalProperties)) return mapOf(typeOfJsonSchema(additionalProperties))
  return schema['type'] === 'object' || schema['x-kubernetes-preserve-unknown-fields'] === true ? DEDUCED : ATOMIC
}

function typeOfJsonList(schema: JsonObject): MergeType {
  const items = isJsonObject(schema['items']) ? schema['items'] : {}
  if (schema['x-kubernetes-list-type'] === 'set') return { kind: 'set' }
  if (schema['x-kubernetes-list-type'] !== 'map') return ATOMIC
  const keys = (Array.isArray(schema['x-kubernetes-list-map-keys']) ? schema['x-kubernetes-list-map-keys'] : []) as string[]
  const properties = isJsonObject(items['properties']) ? items['properties'] : {}
  const defaults = Object.fromEntries(
    keys.flatMap((key) => {
      const property = properties[key]
      return isJsonObject(property) && property['default'] !== undefined ? [[key, property['default']]] : []
    }),
  )
  return { kind: 'list-map', keys: keys.toSorted(), defaults, items: typeOfJsonSchema(items) }
}

/** The element that names a list item in a field set: `k:{"name":"web"}`, `v:"x"`. */
export function itemElement(item: Json, type: MergeType & { kind: 'set' | 'list-map' }): string {
  if (type.kind === 'set') return `v:${JSON.stringify(item)}`
  if (!isJsonObject(item)) return `v:${JSON.stringify(item)}`
  const [first] = type.keys
  const only = first !== undefined && type.keys.length === 1 ? item[first] : undefined
  // By far the commonest key is one string.
  if (typeof only === 'string') return `k:{${JSON.stringify(first)}:${JSON.stringify(only)}}`
  const members = type.keys.flatMap((key) => {
    const value = item[key] ?? type.defaults[key]
    return value === undefined ? [] : [`${JSON.stringify(key)}:${JSON.stringify(value)}`]
  })
  return `k:{${members.join(',')}}`
}
