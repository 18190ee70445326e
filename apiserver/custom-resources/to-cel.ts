/** A value as its schema's rules see it: numbers of the type that the schema says, names that CEL can spell, metadata by its names. */
import { fromJson } from '../../api/cel/compile.ts'
import { toDuration, toTimestamp } from '../../api/cel/functions.ts'
import { CelError, type CelMap, type CelValue } from '../../api/cel/values.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'

type Schema = JSONSchemaProps

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function toCel(value: unknown, schema: Schema, isRoot = false): CelValue {
  if (Array.isArray(value)) {
    const items = isObject(schema.items) ? (schema.items as Schema) : undefined
    return items ? value.map((item) => toCel(item, items)) : fromJson(value)
  }
  if (isObject(value)) return toMap(value, schema, isRoot || schema['x-kubernetes-embedded-resource'] === true)
  if (typeof value === 'number') return schema.type === 'number' ? value : fromJson(value)
  return typeof value === 'string' ? ofFormat(value, schema.format) : fromJson(value)
}

/** A text that is not of its format stays one: validation has complained of it already. */
function ofFormat(value: string, format: string | undefined): CelValue {
  try {
    if (format === 'date-time' || format === 'date') return toTimestamp(value)
    return format === 'duration' ? toDuration(value) : value
  } catch (error) {
    if (error instanceof CelError) return value
    throw error
  }
}

function toMap(value: Record<string, unknown>, schema: Schema, isResource: boolean): CelMap {
  const { properties = {}, additionalProperties } = schema
  const free = isObject(additionalProperties) ? (additionalProperties as Schema) : undefined
  const entries: [string, CelValue][] = []
  for (const [name, member] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (isResource && (name === 'apiVersion' || name === 'kind')) entries.push([name, fromJson(member)])
    else if (isResource && name === 'metadata') entries.push([name, namesOf(member)])
    // What the schema does not know the rules do not see.
    else if (property) entries.push([escapeName(name), toCel(member, property)])
    else if (free) entries.push([name, toCel(member, free)])
    else if (additionalProperties === true) entries.push([name, fromJson(member)])
  }
  return Object.fromEntries(entries)
}

const namesOf = (metadata: unknown): CelMap => {
  const { name, generateName } = (isObject(metadata) ? metadata : {}) as { name?: string; generateName?: string }
  return { ...(name !== undefined && { name }), ...(generateName !== undefined && { generateName }) }
}

const KEYWORDS = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** How a rule spells the names that CEL would read otherwise. */
export function escapeName(name: string): string {
  if (KEYWORDS.has(name)) return `__${name}__`
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__')
}
