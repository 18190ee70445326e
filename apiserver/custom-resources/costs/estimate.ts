/**
 * The most that a rule can cost, from its form and from what the schema allows: the reckoning of upstream's checker, whose numbers decide
 * which definitions a cluster takes. A unit is about one step; texts cost a tenth of a unit a character.
 *
 * Values have a place in the schema, by which their size is known, or a size of their own. What has neither is as large as can be.
 */
import type { Expression, MacroName } from '../../../api/cel/expression.ts'
import type { CelValue } from '../../../api/cel/values.ts'
import type { DeclaredType, Kind } from './declared-type.ts'
import { callEstimate } from './call-estimate.ts'
import { cheapest, type Range, UNKNOWN, union } from './ranges.ts'

/** Where in the schema a value is: nowhere in it, or in no place that the schema knows. */
export type Place = DeclaredType | 'unknown' | undefined

export interface Estimate {
  cost: number
  kind: Kind
  place?: Place
  /** Of results and literals; others have the size that their place or kind has. */
  size?: Range | undefined
  /** What is in a list or a map that an expression made. */
  items?: { kind: Kind; size?: Range | undefined } | undefined
  /** What an optional may hold. Upstream knows its type, and no size. */
  optional?: { kind: Kind; type?: DeclaredType | undefined } | undefined
}

export interface Context {
  self: DeclaredType
  scope: ReadonlyMap<string, Estimate>
}

export const estimateCost = (expression: Expression, self: DeclaredType): number =>
  estimate(expression, { self, scope: new Map() }).cost

const SCALARS = new Set<Kind>(['bool', 'int', 'double', 'duration', 'timestamp', 'null'])

export function sizeOf({ size, place, kind }: Estimate): Range {
  if (size) return size
  if (place && place !== 'unknown') return { least: 0, most: place.most }
  return SCALARS.has(kind) ? { least: 1, most: 1 } : UNKNOWN
}

/** As upstream: a step down from nowhere leads to the root. */
export const stepInto = (place: Place, { self }: Context, into: (type: DeclaredType) => DeclaredType | undefined): Place =>
  place === undefined ? self : place === 'unknown' ? 'unknown' : (into(place) ?? 'unknown')

const kindAt = (place: Place): Kind => (place && place !== 'unknown' ? place.kind : 'dyn')

export function estimate(expression: Expression, context: Context): Estimate {
  switch (expression.op) {
    case 'literal':
      return ofLiteral(expression.value)
    case 'name':
      return ofName(expression.name, context)
    case 'select':
      return ofSelect(expression, context)
    case 'index':
      return ofIndex(estimate(expression.of, context), estimate(expression.by, context), expression.optional, context)
    case 'call': {
      const target =
        expression.target && !isNamespace(expression.target, context) ? estimate(expression.target, context) : undefined
      return callEstimate(
        expression,
        target,
        expression.parameters.map((parameter) => estimate(parameter, context)),
        context,
      )
    }
    case 'list':
      return ofList(expression.items.map(({ value }) => estimate(value, context)))
    case 'map':
      return ofMap(expression, context)
    case 'message':
      return { cost: 40 + total(expression.entries.map(({ value }) => estimate(value, context))), kind: 'object' }
    case 'and':
    case 'or':
      return { cost: total([estimate(expression.left, context), estimate(expression.right, context)]), kind: 'bool' }
    case 'choose':
      return ofChoice(estimate(expression.when, context), estimate(expression.yes, context), estimate(expression.no, context))
    case 'macro':
      return ofMacro(expression, context)
  }
}

export const total = (estimates: readonly Estimate[]): number => estimates.reduce((all, { cost }) => all + cost, 0)

function ofLiteral(value: CelValue): Estimate {
  if (typeof value === 'string') return { cost: 0, kind: 'string', size: fixed([...value].length) }
  if (value instanceof Uint8Array) return { cost: 0, kind: 'bytes', size: fixed(value.length) }
  const kind = value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? 'double' : 'int'
  return { cost: 0, kind, size: fixed(1) }
}

const fixed = (size: number): Range => ({ least: size, most: size })

function ofName(name: string, { self, scope }: Context): Estimate {
  const known = scope.get(name)
  if (known) return { ...known, cost: 1 }
  // The name of a type leads to the root too, as upstream.
  return { cost: 1, kind: isRoot(name) ? self.kind : 'dyn', place: self }
}

const isRoot = (name: string) => name === 'self' || name === 'oldSelf'

/** `ip` in `ip.isCanonical(self)`: a part of the function's name. */
const isNamespace = (target: Expression, { scope }: Context): boolean =>
  target.op === 'name' && !isRoot(target.name) && !scope.has(target.name)

function ofSelect({ of, field, test, optional }: Expression & { op: 'select' }, context: Context): Estimate {
  const operand = estimate(of, context)
  if (test) return { cost: operand.cost, kind: 'bool' }
  if (optional || operand.optional)
    return optionally(operand, operand.cost + 1, ({ fields, items }) => fields?.get(field) ?? items)
  const place = stepInto(operand.place, context, ({ fields }) => fields?.get(field))
  const kind = operand.kind === 'map' ? kindOfItems(operand) : kindAt(place)
  return { cost: operand.cost + (operand.kind === 'map' || operand.kind === 'object' ? 1 : 0), kind, place }
}

function optionally(
  { place, optional }: Estimate,
  cost: number,
  into: (type: DeclaredType) => DeclaredType | undefined,
): Estimate {
  const from = optional ? optional.type : place === 'unknown' ? undefined : place
  const type = from && into(from)
  return { cost, kind: 'opaque', optional: { kind: type?.kind ?? 'dyn', type } }
}

const kindOfItems = ({ place, items }: Estimate): Kind =>
  items?.kind ?? (place && place !== 'unknown' && place.items ? place.items.kind : 'dyn')

function ofIndex(operand: Estimate, by: Estimate, isOptional: boolean, context: Context): Estimate {
  const cost = operand.cost + by.cost + 1
  if (isOptional || operand.optional) return optionally(operand, cost, ({ items }) => items)
  const place = stepInto(operand.place, context, ({ items }) => items)
  return { cost, kind: kindOfItems(operand), place, size: operand.items?.size }
}

function ofList(items: readonly Estimate[]): Estimate {
  const [first] = items
  const sizes = items.map(sizeOf)
  const kind = first && items.every((item) => item.kind === first.kind) ? first.kind : 'dyn'
  return {
    cost: 10 + total(items),
    kind: 'list',
    size: fixed(items.length),
    items: { kind, size: sizes.reduce(union, sizes[0] ?? UNKNOWN) },
  }
}

function ofMap({ entries }: Expression & { op: 'map' }, context: Context): Estimate {
  const keys = entries.map(({ key }) => estimate(key, context))
  const values = entries.map(({ value }) => estimate(value, context))
  return { cost: 30 + total(keys) + total(values), kind: 'map', size: fixed(entries.length), items: ofList(values).items }
}

function ofChoice(when: Estimate, yes: Estimate, no: Estimate): Estimate {
  return {
    cost: when.cost + Math.max(yes.cost, no.cost),
    kind: yes.kind === no.kind || no.kind === 'null' ? yes.kind : 'dyn',
    size: union(sizeOf(yes), sizeOf(no)),
    items: yes.items && no.items ? yes.items : undefined,
  }
}

/** What a macro adds for each member to what its bodies cost, and once: the steps that CEL writes it out to. */
const LOOPS: Readonly<Partial<Record<MacroName, { once: number; each: number; kind: Kind }>>> = {
  all: { once: 1, each: 3, kind: 'bool' },
  exists: { once: 1, each: 4, kind: 'bool' },
  exists_one: { once: 2, each: 2, kind: 'bool' },
  filter: { once: 11, each: 13, kind: 'list' },
  map: { once: 11, each: 12, kind: 'list' },
  transformList: { once: 11, each: 12, kind: 'list' },
  transformMap: { once: 31, each: 4, kind: 'map' },
  transformMapEntry: { once: 31, each: 4, kind: 'map' },
}

function ofMacro({ name, of, variables, bodies }: Expression & { op: 'macro' }, context: Context): Estimate {
  const range = estimate(of, context)
  const within = (...values: Estimate[]) => {
    const scope = new Map([...context.scope, ...variables.map((variable, at) => [variable, values[at]!] as const)])
    return bodies.map((body) => estimate(body, { ...context, scope }))
  }
  if (name === 'bind') {
    const [body] = within(range)
    return { ...body!, cost: 10 + range.cost + body!.cost, place: undefined, size: sizeOf(body!) }
  }
  const loop = LOOPS[name]
  if (!loop) {
    // Written out, the optional is asked for twice: whether there is a value, and for it.
    const [body] = within({ cost: 1, kind: range.optional?.kind ?? 'dyn' })
    const made = name === 'optMap' ? { kind: body!.kind } : body!.optional
    return { cost: range.cost + 1 + Math.max(1, range.cost + 12 + body!.cost), kind: 'opaque', optional: made }
  }
  const estimates = within(...membersOf(range, variables.length, context))
  const { most } = sizeOf(range)
  const cost = range.cost + loop.once + most * (loop.each + total(estimates))
  const made = estimates.at(-1)!
  const items = name === 'filter' ? { kind: kindOfItems(range), size: range.items?.size } : { kind: made.kind, size: undefined }
  return {
    cost: cheapest(cost),
    kind: loop.kind,
    size: loop.kind === 'bool' ? fixed(1) : sizeOf(range),
    items: loop.kind === 'bool' ? undefined : items,
  }
}

const KEY: DeclaredType = { kind: 'string', most: 0, least: 2 }

/** For one variable: items of a list, keys of a map. For two: position and item, key and value. */
function membersOf(range: Estimate, variables: number, context: Context): Estimate[] {
  const isList = range.kind === 'list'
  const item: Estimate = {
    cost: 1,
    kind: kindOfItems(range),
    place: stepInto(range.place, context, ({ items }) => items),
    size: range.items?.size,
  }
  const key: Estimate = isList
    ? { cost: 1, kind: 'int', size: fixed(1) }
    : { cost: 1, kind: 'string', place: keyPlace(range, context) }
  return variables === 2 ? [key, item] : [isList ? item : key]
}

const keyPlace = ({ place }: Estimate, context: Context): Place =>
  stepInto(place, context, ({ kind }) => (kind === 'map' ? KEY : undefined))
