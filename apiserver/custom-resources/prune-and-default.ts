/** What a structural schema does to a value before it is looked at: unknown fields go, absent ones with a default come. Pure. */
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import { putMember } from '../../api/json.ts'
import { decode } from '../../api/schema/decode.ts'
import { requestEntityTooLarge } from '../../api/status.ts'

type Json = unknown
type Members = Record<string, Json>

const isObject = (value: Json): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every object has these, whatever its schema says. */
const OWN = new Set(['apiVersion', 'kind', 'metadata'])

export interface Pruned {
  value: Members
  /** Paths of what went: `spec.foo`. */
  unknown: string[]
}

interface Walk {
  unknown: string[]
  defaults: boolean
  /** Characters that defaults may still add. */
  room: number
}

/** A new value; parts may be shared with the old one, which is left as it is. */
export function prune(value: Members, schema: JSONSchemaProps): Pruned {
  const unknown: string[] = []
  return { value: walkObject(value, schema, '', true, { unknown, defaults: false, room: 0 }), unknown }
}

/** What etcd would not take, and twice that. */
const MOST_ADDED = 3 * 2 ** 20

/**
 * As `prune`, and what is absent comes from the schema's defaults: how an object is shown and stored. Throws 413 when a short text, a long
 * list of empty objects, would become a huge object: with `bounded`, for what comes in. What is stored can always be shown.
 */
export function pruneAndDefault(value: Members, schema: JSONSchemaProps, { bounded = false } = {}): Pruned {
  const room = bounded ? MOST_ADDED : Infinity
  const unknown: string[] = []
  return { value: walkObject(value, schema, '', true, { unknown, defaults: true, room }), unknown }
}

export function hasDefaults(schema: JSONSchemaProps): boolean {
  if (schema.default !== undefined) return true
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties]
  return below.some((inner) => isObject(inner) && hasDefaults(inner as JSONSchemaProps))
}

function walk(value: Json, schema: JSONSchemaProps, path: string, state: Walk): Json {
  if (isObject(value)) return walkObject(value, schema, path, schema['x-kubernetes-embedded-resource'] === true, state)
  if (!Array.isArray(value) || !isObject(schema.items)) return value
  const items = schema.items as JSONSchemaProps
  return value.map((item: Json, index) => walk(orDefault(item, items, state), items, `${path}[${index}]`, state))
}

/** Null is no value of a field that does not say so: it stands for "absent", and a default may take its place. */
const orDefault = (value: Json, { nullable, default: byDefault }: JSONSchemaProps, { defaults }: Walk): Json =>
  value === null && !nullable && defaults && byDefault !== undefined ? structuredClone(byDefault) : value

function walkObject(value: Members, schema: JSONSchemaProps, path: string, isResource: boolean, state: Walk): Members {
  const { properties = {}, additionalProperties } = schema
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true
  const free = isObject(additionalProperties) ? (additionalProperties as JSONSchemaProps) : undefined
  const result: Members = {}
  for (const [name, member] of Object.entries(value)) {
    const at = path ? `${path}.${name}` : name
    if (isResource && OWN.has(name)) {
      // The metadata of the whole object has been read by its model already.
      putMember(result, name, name === 'metadata' && path !== '' ? knownMetadata(member, at, state.unknown) : member)
      continue
    }
    const inner = Object.hasOwn(properties, name) ? properties[name] : free
    if (inner) {
      const given = orDefault(member, inner, state)
      if (given !== null || inner.nullable) putMember(result, name, walk(given, inner, at, state))
    } else if (additionalProperties === true || preserves) putMember(result, name, member)
    else state.unknown.push(at)
  }
  if (state.defaults) fillIn(result, properties, path, isResource, state)
  return result
}

function fillIn(
  result: Members,
  properties: Record<string, JSONSchemaProps>,
  path: string,
  isResource: boolean,
  state: Walk,
): void {
  for (const name in properties) {
    const property = properties[name]!
    if (property.default === undefined || Object.hasOwn(result, name)) continue
    // Only an embedded object may get its type and metadata by default.
    if (isResource && path === '' && OWN.has(name)) continue
    state.room -= name.length + sizeOf(property)
    if (state.room < 0) throw requestEntityTooLarge(`limit is ${MOST_ADDED}`)
    putMember(result, name, walk(structuredClone(property.default), property, path ? `${path}.${name}` : name, state))
  }
}

const sizes = new WeakMap<JSONSchemaProps, number>()

function sizeOf(property: JSONSchemaProps): number {
  let size = sizes.get(property)
  if (size === undefined) sizes.set(property, (size = JSON.stringify(property.default).length))
  return size
}

/** An embedded object's metadata holds what metadata holds; what cannot be read as such goes, a member at a time. */
function knownMetadata(metadata: Json, path: string, unknown: string[]): Json {
  if (!isObject(metadata)) return metadata
  const kept: Members = {}
  for (const [name, member] of Object.entries(metadata)) {
    try {
      const { object } = decode<Members>('ObjectMeta', structuredClone({ [name]: member }))
      if (Object.hasOwn(object, name)) putMember(kept, name, object[name])
      else if (member !== null) unknown.push(`${path}.${name}`)
    } catch {
      // Of the wrong type: validation says so, where the whole is looked at.
      putMember(kept, name, member)
    }
  }
  return kept
}
