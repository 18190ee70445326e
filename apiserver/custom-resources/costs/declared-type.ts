/** What a schema says of the values that rules see: their kind, and the most and the least there can be of them in a request. */
import type { JSONSchemaProps } from '../../../api/generated/types.ts'
import { escapeName } from '../to-cel.ts'

type Schema = JSONSchemaProps

export type Kind =
  | 'bool'
  | 'int'
  | 'double'
  | 'string'
  | 'bytes'
  | 'duration'
  | 'timestamp'
  | 'list'
  | 'map'
  | 'object'
  | 'null'
  | 'opaque'
  | 'dyn'

export interface DeclaredType {
  kind: Kind
  /** Characters, items or entries; 0 for what has no size. */
  most: number
  /** Bytes of JSON. */
  least: number
  fields?: ReadonlyMap<string, DeclaredType>
  /** Of a list, or the values of a map. */
  items?: DeclaredType
}

/** The largest request that upstream reckons with. */
export const REQUEST_BYTES = 3 * 1024 * 1024

const TEXT = REQUEST_BYTES - 2

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)

const scalar = (kind: Kind, least: number, most = 0): DeclaredType => ({ kind, least, most })

/** Undefined for what rules do not see: values of no type, and lists and maps of them. */
export function declaredType(schema: Schema, isResource: boolean): DeclaredType | undefined {
  if (schema['x-kubernetes-int-or-string']) return scalar('dyn', 1, textLength(schema, TEXT))
  switch (schema.type) {
    case 'array':
      return isSchema(schema.items) ? listOf(schema, schema.items) : undefined
    case 'object':
      return isSchema(schema.additionalProperties) ? mapOf(schema, schema.additionalProperties) : objectOf(schema, isResource)
    case 'string':
      return textOf(schema)
    case 'boolean':
      return scalar('bool', 4)
    case 'number':
      return scalar('double', 1)
    case 'integer':
      return scalar('int', 1)
    default:
      return undefined
  }
}

const below = (schema: Schema) => declaredType(schema, schema['x-kubernetes-embedded-resource'] === true)

function listOf({ maxItems }: Schema, schema: Schema): DeclaredType | undefined {
  const items = below(schema)
  if (!items) return undefined
  return { kind: 'list', least: 2, most: Math.max(0, maxItems ?? Math.floor((REQUEST_BYTES - 2) / (items.least + 1))), items }
}

function mapOf({ maxProperties }: Schema, schema: Schema): DeclaredType | undefined {
  const items = below(schema)
  if (!items) return undefined
  return { kind: 'map', least: 2, most: Math.max(0, maxProperties ?? Math.floor((REQUEST_BYTES - 2) / (items.least + 6))), items }
}

const ANY_TEXT: Schema = { type: 'string' }
const OF_RESOURCES: Readonly<Record<string, Schema>> = {
  apiVersion: ANY_TEXT,
  kind: ANY_TEXT,
  metadata: { type: 'object', properties: { name: ANY_TEXT, generateName: ANY_TEXT } },
}

function objectOf({ properties = {}, required = [] }: Schema, isResource: boolean): DeclaredType {
  const fields = new Map<string, DeclaredType>()
  let least = 2
  for (const [name, property] of Object.entries(isResource ? { ...properties, ...OF_RESOURCES } : properties)) {
    const type = below(property)
    if (!type) continue
    fields.set(escapeName(name), type)
    if (required.includes(name) && property.default === undefined) least += name.length + type.least + 4
  }
  return { kind: 'object', least, most: 0, fields }
}

function textOf(schema: Schema): DeclaredType {
  switch (schema.format) {
    case 'byte':
      return scalar('bytes', 2, Math.max(0, schema.maxLength ?? TEXT))
    case 'duration':
      return scalar('duration', 3, 32)
    case 'date':
      return scalar('timestamp', 12, 12)
    case 'date-time':
      return scalar('timestamp', 21, 32)
    default:
      return scalar('string', 2, textLength(schema, longestOf(schema.enum)))
  }
}

/** A character has up to four bytes. */
const textLength = ({ maxLength }: Schema, otherwise: number): number =>
  maxLength === undefined ? otherwise : Math.max(0, maxLength) * 4

const longestOf = (values: readonly unknown[] | undefined): number =>
  values && values.length > 0
    ? Math.max(0, ...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)))
    : TEXT
