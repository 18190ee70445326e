/** What each function and operator of CEL costs at most, and how large its result is. */
import type { Expression } from '../../../api/cel/expression.ts'
import type { Kind } from './declared-type.ts'
import { type Context, type Estimate, sizeOf, stepInto, total } from './estimate.ts'
import { cheapest, product, type Range, scaled, sum, UNKNOWN } from './ranges.ts'

type Call = Expression & { op: 'call' }

/** Without what the operands cost. */
interface Charge {
  cost: number
  size?: Range | undefined
  kind?: Kind
  items?: Estimate['items']
  optional?: Estimate['optional']
}

/** For one character of a text that is read, and of a pattern that is applied. */
const TEXT = 0.1
const PATTERN = 0.25

export function callEstimate(call: Call, target: Estimate | undefined, given: readonly Estimate[], context: Context): Estimate {
  const operands = total(given) + (target?.cost ?? 0)
  const [first] = given
  if (call.name === 'dyn' && !target && first)
    return { ...first, kind: 'dyn', place: undefined, size: sizeOf(first), cost: 1 + operands }
  const { cost, size, kind, items, optional } = charge(call.name, target, given, call, context)
  return { cost: cheapest(cost + operands), kind: kind ?? kindOf(call.name), size, items, optional }
}

const KINDS: Readonly<Record<string, Kind>> = Object.fromEntries(
  Object.entries({
    bool: '! == != < <= > >= in contains startsWith endsWith matches isSorted isQuantity isIP isCIDR isURL isSemver hasValue bool isInteger containsIP containsCIDR isCanonical isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast isGreaterThan isLessThan equivalent intersects allowed errored',
    string:
      'string lowerAscii upperAscii replace trim substring join charAt format find getHost getHostname getPort getScheme getEscapedPath escapeKey',
    int: 'size int uint sign family prefixLength compareTo major minor patch getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds getMilliseconds indexOf lastIndexOf asInteger',
    double: 'double asApproximateFloat',
    list: 'split findAll distinct flatten sort slice',
    duration: 'duration',
    timestamp: 'timestamp',
    bytes: 'bytes',
    opaque: 'quantity ip cidr url semver masked add sub named',
  } satisfies Partial<Record<Kind, string>>).flatMap(([kind, names]) =>
    names.split(' ').map((name) => [name, kind as Kind] as const),
  ),
)

const kindOf = (name: string): Kind => (Object.hasOwn(KINDS, name) ? KINDS[name]! : 'dyn')

function charge(name: string, target: Estimate | undefined, given: readonly Estimate[], call: Call, context: Context): Charge {
  const [first, second] = given
  switch (name) {
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return { cost: comparison(name, first!, second!) }
    case '+':
      return second ? addition(first!, second) : { cost: 1 }
    case 'negate':
    case '-':
    case '*':
    case '/':
    case '%':
      return { cost: 1, kind: first!.kind }
    case 'greatest':
    case 'least':
      return { cost: 1, kind: first?.kind ?? 'dyn' }
    case 'of':
      return { cost: 1, kind: 'opaque', optional: { kind: first?.kind ?? 'dyn' } }
    case 'intersects':
    case 'equivalent':
      return { cost: first && second ? cheapest(1 + sets(first, second) * (name === 'equivalent' ? 2 : 1)) : 1 }
    case 'in':
      return { cost: second!.kind === 'map' ? 1 : scaled(sizeOf(second!), 1) }
    case 'startsWith':
    case 'endsWith':
      return { cost: first ? scaled(sizeOf(first), TEXT) : 1 }
    case 'quantity':
    case 'isQuantity':
    case 'semver':
    case 'isSemver':
    case 'cidr':
    case 'isIP':
    case 'isCIDR':
    case 'url':
      return { cost: first ? scaled(sizeOf(first), TEXT) : 1, ...(name === 'url' && first && { size: sizeOf(first) }) }
    case 'ip':
      return { cost: first ? scaled(sizeOf(first), TEXT) : 1 }
    case 'isCanonical':
      return { cost: first ? scaled(sizeOf(first), 2 * TEXT) : 1 }
    case 'validate':
      return { cost: first ? scaled({ least: 0, most: scaled(sizeOf(first), TEXT) }, 128 * PATTERN) : 1 }
    case 'containsIP':
      return { cost: 4 + (first?.kind === 'string' ? scaled(sizeOf(first), TEXT) : 0) }
    case 'containsCIDR':
      return { cost: 7 + (first?.kind === 'string' ? scaled(sizeOf(first), TEXT) : 0) }
    default:
      if (target) return member(name, target, given, call, context)
      // `sets.contains`; that of a text is called on the text.
      return { cost: name === 'contains' && first && second ? cheapest(1 + sets(first, second)) : 1 }
  }
}

/** Each of one with each of the other. */
const sets = (left: Estimate, right: Estimate): number => sizeOf(left).most * sizeOf(right).most

function comparison(name: string, left: Estimate, right: Estimate): number {
  const byText = scaled({ least: 0, most: Math.min(sizeOf(left).most, sizeOf(right).most) }, TEXT)
  if (name === '==' || name === '!=') return left.kind === 'opaque' && right.kind === 'opaque' ? 1 : byText
  const kinds = [left.kind, right.kind]
  if (kinds.some((kind) => kind === 'string' || kind === 'bytes')) return byText
  return kinds.every((kind) => kind === 'dyn') ? Math.max(1, byText) : 1
}

/** Lists are joined at no cost; texts are written anew. */
function addition(left: Estimate, right: Estimate): Charge {
  const kind = left.kind === 'dyn' ? right.kind : left.kind
  if (kind !== 'string' && kind !== 'bytes' && kind !== 'list' && kind !== 'dyn') return { cost: 1, kind }
  const size = sum(sizeOf(left), sizeOf(right))
  return {
    cost: kind === 'list' ? 1 : Math.max(kind === 'dyn' ? 1 : 0, scaled(size, TEXT)),
    kind,
    size,
    items: left.items && right.items,
  }
}

/** Functions that are called on a value. */
function member(name: string, target: Estimate, given: readonly Estimate[], call: Call, context: Context): Charge {
  const [first, second] = given
  const size = sizeOf(target)
  switch (name) {
    case 'matches':
      return { cost: first ? matching(size, first) : 1 }
    case 'find':
    case 'findAll':
      return { cost: first ? matching(size, first) : 1, size: { least: 0, most: size.most }, items: { kind: 'string' } }
    case 'contains':
      return { cost: first ? cheapest(scaled(size, TEXT) * scaled(sizeOf(first), TEXT)) : 1 }
    case 'lowerAscii':
    case 'upperAscii':
    case 'substring':
    case 'trim':
      return { cost: scaled(size, TEXT), size }
    case 'replace':
      return first && second ? { cost: scaled(size, 2 * TEXT), size: replaced(size, sizeOf(first), sizeOf(second)) } : { cost: 1 }
    case 'split':
      return { cost: scaled(size, 2 * TEXT), size: { least: 0, most: limitOf(call) ?? size.most }, items: { kind: 'string' } }
    case 'join':
      return joined(target, first, context)
    case 'format':
      return { cost: scaled(size, TEXT) }
    case 'sum':
    case 'max':
    case 'min':
      return { cost: traversal(target, context), kind: itemKind(target) }
    case 'isSorted':
    case 'indexOf':
    case 'lastIndexOf':
      return { cost: traversal(target, context) }
    case 'value':
    case 'orValue':
      return { cost: 1, kind: valueKind(target, first) }
    case 'or':
      return { cost: 1, kind: 'opaque', optional: target.optional ?? first?.optional }
    case 'first':
    case 'last':
      return { cost: 1, kind: 'opaque', optional: { kind: itemKind(target) } }
    default:
      return { cost: 1 }
  }
}

/** Where `oldSelf` is optional, it is asked for its value too, and known by its place. */
const valueKind = ({ optional, kind }: Estimate, otherwise: Estimate | undefined): Kind => {
  const known = optional?.kind ?? kind
  return known === 'dyn' && otherwise ? otherwise.kind : known
}

const matching = (size: Range, pattern: Estimate): number =>
  cheapest(scaled(sum(size, { least: 1, most: 1 }), TEXT) * scaled(sizeOf(pattern), PATTERN))

function limitOf({ parameters }: Call): number | undefined {
  const limit = parameters[1]
  return limit?.op === 'literal' && typeof limit.value === 'bigint' && limit.value >= 0n ? Number(limit.value) : undefined
}

/** The most and the least that replacing can leave. */
function replaced(size: Range, wanted: Range, by: Range): Range {
  const most =
    wanted.least === 0
      ? (size.most + 1) * by.most + size.most
      : by.most <= wanted.least
        ? size.most
        : Math.ceil(size.most / wanted.least) * by.most
  const least =
    wanted.most === 0
      ? (size.least + 1) * by.least + size.least
      : wanted.most <= by.least
        ? size.least
        : Math.ceil(size.least / wanted.most) * by.least
  return { least: cheapest(least), most: cheapest(most) }
}

/** An item of a list that is in the schema has the size that it says; another may be of any. */
function itemSize(list: Estimate, context: Context): Range {
  const place = list.place === undefined ? 'unknown' : stepInto(list.place, context, ({ items }) => items)
  return place && place !== 'unknown' ? { least: 0, most: place.most } : UNKNOWN
}

function joined(list: Estimate, separator: Estimate | undefined, context: Context): Charge {
  const items = sizeOf(list)
  const between = { least: Math.max(0, items.least - 1), most: Math.max(0, items.most - 1) }
  const texts = product(items, itemSize(list, context))
  const size = separator ? sum(texts, product(sizeOf(separator), between)) : texts
  return { cost: scaled(size, TEXT), size }
}

const itemKind = ({ items, place }: Estimate): Kind =>
  items?.kind ?? (place && place !== 'unknown' ? place.items?.kind : undefined) ?? 'dyn'

function traversal(target: Estimate, context: Context): number {
  if (target.kind !== 'list') return scaled(sizeOf(target), TEXT)
  const kind = itemKind(target)
  const each = kind === 'string' || kind === 'bytes' ? 1 + scaled(itemSize(target, context), TEXT) : 1
  return cheapest(sizeOf(target).most * each)
}
