/** What a structural schema does to a value before it is looked at: unknown fields go, absent ones with a default come. Pure. */
import type { JSONSchemaProps } from '../../api/generated/types.ts'

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

/** A new value; parts may be shared with the old one, which is left as it is. */
export function pruneAndDefault(value: Members, schema: JSONSchemaProps): Pruned {
  const unknown: string[] = []
  return { value: walkObject(value, schema, '', true, unknown), unknown }
}

function walk(value: Json, schema: JSONSchemaProps, path: string, unknown: string[]): Json {
  if (isObject(value)) return walkObject(value, schema, path, schema['x-kubernetes-embedded-resource'] === true, unknown)
  if (!Array.isArray(value) || !isObject(schema.items)) return value
  return value.map((item: Json, index) => walk(item, schema.items as JSONSchemaProps, `${path}[${index}]`, unknown))
}

function walkObject(value: Members, schema: JSONSchemaProps, path: string, isResource: boolean, unknown: string[]): Members {
  const { properties = {}, additionalProperties } = schema
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true
  const result: Members = {}
  for (const [name, member] of Object.entries(value)) {
    const at = path ? `${path}.${name}` : name
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (isResource && OWN.has(name)) put(result, name, member)
    else if (property) {
      // Null is no value of a field that does not say so: it stands for "absent", and a default may take its place.
      if (member !== null || property.nullable) put(result, name, walk(member, property, at, unknown))
    } else if (isObject(additionalProperties))
      put(result, name, walk(member, additionalProperties as JSONSchemaProps, at, unknown))
    else if (additionalProperties === true || preserves) put(result, name, member)
    else unknown.push(at)
  }
  for (const [name, property] of Object.entries(properties))
    if (property.default !== undefined && !Object.hasOwn(result, name) && !(isResource && OWN.has(name)))
      put(result, name, walk(structuredClone(property.default), property, path ? `${path}.${name}` : name, unknown))
  return result
}

/** `__proto__` is a name like any other. */
function put(object: Members, name: string, value: Json): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  else object[name] = value
}
