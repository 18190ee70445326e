/** What is wrong with an expression when `object` is of a known kind: fields that it has not, operators between types. Pure. */
import type { Expression } from '../../api/cel/expression.ts'
import { inferType } from '../../api/cel/infer-type.ts'
import { CelError, typeOf } from '../../api/cel/values.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import { isQuantityField } from '../../api/schema/list-strategies.ts'
import { hasModel, modelOf, type FieldSchema } from '../../api/schema/models.ts'

/** `fields` of an object answers undefined for what it has not. */
export type Type =
  | { kind: 'dyn' | 'int' | 'double' | 'string' | 'bool' | 'null' | 'other' }
  | { kind: 'list' | 'map'; of: Type }
  | { kind: 'object'; field: (name: string) => Type | undefined }

const DYN: Type = { kind: 'dyn' }
const scalars: Readonly<Record<string, Type>> = {
  int: { kind: 'int' },
  double: { kind: 'double' },
  string: { kind: 'string' },
  bool: { kind: 'bool' },
  null_type: { kind: 'null' },
}
const named = (name: string): Type => scalars[name] ?? DYN

export function typeOfModel(model: string): Type {
  if (!hasModel(model)) return DYN
  const { fields } = modelOf(model)
  const field = (name: string) => {
    const schema = Object.hasOwn(fields, name) ? fields[name] : undefined
    return schema && (isQuantityField(model, name) ? DYN : typeOfField(schema))
  }
  return { kind: 'object', field }
}

function typeOfField({ type, format, ref, items, values }: FieldSchema): Type {
  switch (type) {
    case 'string':
      return format ? DYN : scalars['string']!
    case 'integer':
      return scalars['int']!
    case 'number':
      return scalars['double']!
    case 'boolean':
      return scalars['bool']!
    case 'array':
      return { kind: 'list', of: items ? typeOfField(items) : DYN }
    case 'object':
      return values ? { kind: 'map', of: typeOfField(values) } : DYN
    case 'ref':
      return ref ? typeOfModel(ref) : DYN
    default:
      return DYN
  }
}

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Of a custom resource: what its schema says, and the members that every object has. */
export function typeOfSchema(schema: JSONSchemaProps, isRoot = true): Type {
  if (schema['x-kubernetes-preserve-unknown-fields'] || schema['x-kubernetes-int-or-string']) return DYN
  switch (schema.type) {
    case 'object': {
      const { properties, additionalProperties } = schema
      if (isSchema(additionalProperties)) return { kind: 'map', of: typeOfSchema(additionalProperties, false) }
      if (!properties) return DYN
      const own: Readonly<Record<string, Type>> = isRoot
        ? { apiVersion: scalars['string']!, kind: scalars['string']!, metadata: typeOfModel('ObjectMeta') }
        : {}
      const field = (name: string) =>
        own[name] ?? (Object.hasOwn(properties, name) ? typeOfSchema(properties[name]!, false) : undefined)
      return { kind: 'object', field }
    }
    case 'array':
      return { kind: 'list', of: isSchema(schema.items) ? typeOfSchema(schema.items, false) : DYN }
    case 'string':
      return schema.format ? DYN : scalars['string']!
    case 'integer':
      return scalars['int']!
    case 'number':
      return scalars['double']!
    case 'boolean':
      return scalars['bool']!
    default:
      return DYN
  }
}

type Scope = ReadonlyMap<string, Type>

/** Throws a CelError with its place for the first mistake. Answers the type of the result. */
export function checkTypes(expression: Expression, scope: Scope): Type {
  const check = (inner: Expression) => checkTypes(inner, scope)
  switch (expression.op) {
    case 'literal':
      return named(typeOf(expression.value))
    case 'name':
      return scope.get(expression.name) ?? DYN
    case 'select':
      return checkSelect(expression, check(expression.of))
    case 'index': {
      const within = check(expression.of)
      check(expression.by)
      return !expression.optional && (within.kind === 'list' || within.kind === 'map') ? within.of : DYN
    }
    case 'list':
      expression.items.forEach(({ value }) => check(value))
      return { kind: 'list', of: DYN }
    case 'map':
    case 'message':
      expression.entries.forEach(({ value }) => check(value))
      return DYN
    case 'and':
    case 'or':
      check(expression.left)
      check(expression.right)
      return scalars['bool']!
    case 'choose': {
      check(expression.when)
      const [yes, no] = [check(expression.yes), check(expression.no)]
      return yes.kind === no.kind ? yes : DYN
    }
    case 'macro':
      return checkMacro(expression, check(expression.of), scope)
    case 'call':
      return checkCall(expression, [...(expression.target ? [expression.target] : []), ...expression.parameters].map(check))
  }
}

function checkSelect({ field, test, optional, at }: Expression & { op: 'select' }, of: Type): Type {
  if (of.kind === 'object') {
    const found = of.field(field)
    if (!found) throw new CelError(`undefined field '${field}'`, at)
    return test ? scalars['bool']! : optional ? DYN : found
  }
  if (of.kind === 'list' || of.kind in scalars) throw new CelError(`type '${shown(of)}' does not support field selection`, at)
  if (test) return scalars['bool']!
  return of.kind === 'map' && !optional ? of.of : DYN
}

function checkMacro({ name, variables, bodies }: Expression & { op: 'macro' }, of: Type, scope: Scope): Type {
  const [first, second] = variables
  const inner = new Map(scope)
  const position: Type = of.kind === 'list' ? scalars['int']! : of.kind === 'map' ? scalars['string']! : DYN
  const item = of.kind === 'list' || of.kind === 'map' ? of.of : DYN
  if (name === 'bind') inner.set(first!, of)
  else if (second !== undefined) {
    inner.set(first!, position)
    inner.set(second, item)
  } else inner.set(first!, of.kind === 'list' ? item : of.kind === 'map' ? position : DYN)
  const results = bodies.map((body) => checkTypes(body, inner))
  const last = results.at(-1)!
  if (name === 'filter') return of.kind === 'list' ? of : { kind: 'list', of: DYN }
  if (name === 'map' || name === 'transformList') return { kind: 'list', of: last }
  if (name === 'bind') return last
  return name === 'all' || name === 'exists' || name === 'exists_one' ? scalars['bool']! : DYN
}

const ORDER = new Set(['<', '<=', '>', '>='])
const SAME = new Set(['==', '!=', '+', '-', '*', '/', '%'])

function checkCall(call: Expression & { op: 'call' }, given: readonly Type[]): Type {
  const { name, at } = call
  const [left, right] = given
  if (left && right && (ORDER.has(name) || SAME.has(name))) {
    const isKnown = [left, right].every(({ kind }) => kind in scalars && kind !== 'null')
    const bothNumbers = [left, right].every(({ kind }) => kind === 'int' || kind === 'double')
    if (isKnown && left.kind !== right.kind && !(ORDER.has(name) && bothNumbers))
      throw new CelError(`found no matching overload for '_${name}_' applied to '(${shown(left)}, ${shown(right)})'`, at)
    if (!ORDER.has(name) && name !== '==' && name !== '!=') return left.kind in scalars ? left : right
  }
  return named(inferType(call))
}

const shown = (type: Type): string =>
  type.kind === 'list' || type.kind === 'map' ? `${type.kind}(${shown(type.of)})` : type.kind
