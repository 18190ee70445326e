/**
 * Members that are always there: what upstream's types hold as plain structs, strings and numbers, and therefore write out even when
 * nobody set them. Filled with their zero values before defaults are set, so that no rule looks into nothing.
 */
import { type FieldSchema, hasModel, modelOf } from '../../../api/schema/models.ts'

type Members = Record<string, unknown>
type Fill = (object: Members) => void

/** Required in the schema, and pointers in Go: that they are missing is something to complain about. */
const POINTERS = new Set(['parentRef', 'pathType', 'selector', 'sideEffects'])

/** Metadata has rules of its own; schemas of custom resources are data that may nest without end. */
const CLOSED = new Set(['ObjectMeta', 'JSONSchemaProps'])

const fills = new Map<string, Fill | undefined>()

/** Undefined when there is nothing to fill in a model or below it. Compiled once a model. */
export function fillOf(model: string): Fill | undefined {
  if (fills.has(model)) return fills.get(model)
  if (CLOSED.has(model) || !hasModel(model)) return undefined
  // A model that contains itself is left alone in there.
  fills.set(model, undefined)
  const fill = compile(model)
  fills.set(model, fill)
  return fill
}

function compile(model: string): Fill | undefined {
  const { fields, required } = modelOf(model)
  const isKind = 'apiVersion' in fields && 'kind' in fields
  const zeros: { name: string; zero: () => unknown }[] = []
  const nested: { name: string; visit: (value: unknown) => void }[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (name === 'metadata' || name === 'apiVersion' || name === 'kind') continue
    const zero = (required.includes(name) && !POINTERS.has(name)) || (isKind && name === 'spec') ? zeroOf(field) : undefined
    if (zero) zeros.push({ name, zero })
    const visit = visitOf(field)
    if (visit) nested.push({ name, visit })
  }
  if (zeros.length === 0 && nested.length === 0) return undefined
  return (object) => {
    for (const { name, zero } of zeros) object[name] ??= zero()
    for (const { name, visit } of nested) {
      const value = object[name]
      if (value !== undefined && value !== null) visit(value)
    }
  }
}

function zeroOf({ type, format }: FieldSchema): (() => unknown) | undefined {
  switch (type) {
    case 'string':
      return format?.startsWith('date') ? undefined : () => ''
    case 'integer':
    case 'number':
    case 'int-or-string':
      return () => 0
    case 'boolean':
      return () => false
    case 'array':
      return () => []
    case 'object':
    case 'ref':
      return () => ({})
    default:
      return undefined
  }
}

function visitOf({ type, ref, items, values }: FieldSchema): ((value: unknown) => void) | undefined {
  if (type === 'ref') return fillOf(ref!) as ((value: unknown) => void) | undefined
  const inner = type === 'array' ? visitOf(items!) : type === 'object' && values ? visitOf(values) : undefined
  if (!inner) return undefined
  return type === 'array'
    ? (value) => {
        for (const item of value as unknown[]) inner(item)
      }
    : (value) => {
        for (const key in value as Members) inner((value as Members)[key])
      }
}
