/** CEL's functions, and those that Kubernetes adds for strings and lists. The target of a call is the first argument. */
import { RE2JS } from 're2js'
import { index, list, text, type CelFunction } from './arguments.ts'
import {
  CelDuration,
  CelError,
  CelOpaque,
  CelTimestamp,
  CelType,
  compare,
  equals,
  isMap,
  isNumber,
  noOverload,
  typeOf,
  type CelValue,
} from './values.ts'

const MAX_INTEGER = 2n ** 63n - 1n
const MIN_INTEGER = -(2n ** 63n)

function integer(value: bigint): bigint {
  if (value > MAX_INTEGER || value < MIN_INTEGER) throw new CelError('integer overflow')
  return value
}

const bigint = (value: number): bigint => BigInt(value)

/** Go's way: whole numbers towards zero, a remainder of the sign of the dividend. */
function arithmetic(a: CelValue, b: CelValue, whole: (a: bigint, b: bigint) => bigint, real: (a: number, b: number) => number) {
  if (typeof a === 'bigint' && typeof b === 'bigint') return integer(whole(a, b))
  if (typeof a === 'number' && typeof b === 'number') return real(a, b)
  throw noOverload()
}

const notZero = (b: bigint, what: string): bigint => {
  if (b === 0n) throw new CelError(what)
  return b
}

function add(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'string' && typeof b === 'string') return a + b
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b]
  if (a instanceof CelTimestamp && b instanceof CelDuration) return new CelTimestamp(a.ms + b.ms)
  if (a instanceof CelDuration && b instanceof CelTimestamp) return new CelTimestamp(a.ms + b.ms)
  if (a instanceof CelDuration && b instanceof CelDuration) return new CelDuration(a.ms + b.ms)
  return arithmetic(
    a,
    b,
    (x, y) => x + y,
    (x, y) => x + y,
  )
}

function subtract(a: CelValue, b: CelValue): CelValue {
  if (a instanceof CelTimestamp && b instanceof CelTimestamp) return new CelDuration(a.ms - b.ms)
  if (a instanceof CelTimestamp && b instanceof CelDuration) return new CelTimestamp(a.ms - b.ms)
  if (a instanceof CelDuration && b instanceof CelDuration) return new CelDuration(a.ms - b.ms)
  return arithmetic(
    a,
    b,
    (x, y) => x - y,
    (x, y) => x - y,
  )
}

function size(value: CelValue): bigint {
  if (typeof value === 'string') return bigint([...value].length)
  if (Array.isArray(value)) return bigint(value.length)
  if (isMap(value)) return bigint(Object.keys(value).length)
  throw noOverload()
}

function contains(within: CelValue, value: CelValue): boolean {
  if (Array.isArray(within)) return within.some((item) => equals(item, value))
  if (isMap(within)) return Object.hasOwn(within, String(value))
  throw noOverload()
}

/** Of an integer of 64 bits there are twenty, and some may be zeros. */
const MOST_DIGITS = 100

function toInteger(value: CelValue): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new CelError('integer overflow')
    return integer(BigInt(Math.trunc(value)))
  }
  if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) {
    // To read a number takes longer than in proportion to its digits.
    if (value.length > MOST_DIGITS) throw new CelError('integer overflow')
    return integer(BigInt(value))
  }
  if (value instanceof CelTimestamp) return bigint(Math.floor(value.ms / 1000))
  throw new CelError(`type conversion error from '${typeOf(value)}' to 'int'`)
}

function toDouble(value: CelValue): number {
  if (isNumber(value)) return Number(value)
  if (typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value)
  throw new CelError(`type conversion error from '${typeOf(value)}' to 'double'`)
}

export function toText(value: CelValue): string {
  if (typeof value === 'string') return value
  if (value instanceof CelOpaque && value.options.text !== undefined) return value.options.text
  if (isNumber(value) || typeof value === 'boolean') return String(value)
  if (value instanceof CelTimestamp) return new Date(value.ms).toISOString().replace('.000Z', 'Z')
  if (value instanceof CelDuration) return `${value.ms / 1000}s`
  throw new CelError(`type conversion error from '${typeOf(value)}' to 'string'`)
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 }

export function toDuration(value: CelValue): CelDuration {
  if (value instanceof CelDuration) return value
  const given = text(value)
  if (!/^[+-]?(0|(\d+(\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)((\d+(\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns))*)$/.test(given))
    throw new CelError(`time: invalid duration ${JSON.stringify(given)}`)
  let ms = 0
  for (const [, count, unit] of given.matchAll(/(\d*\.?\d+|\d+\.)(h|ms|m|s|us|µs|ns)/g)) ms += Number(count) * UNITS[unit!]!
  return new CelDuration(given.startsWith('-') ? -ms : ms)
}

export function toTimestamp(value: CelValue): CelTimestamp {
  if (value instanceof CelTimestamp) return value
  const ms = Date.parse(text(value))
  if (Number.isNaN(ms)) throw new CelError(`cannot parse ${JSON.stringify(value)} as a time`)
  return new CelTimestamp(ms)
}

const expressions = new Map<string, RE2JS>()

/** What a regular expression is compiled to: `x{1000}` is a thousand times `x`. One that is none has no size. */
export function sizeOfPattern(pattern: CelValue): number {
  return typeof pattern === 'string' ? expressionOf(pattern).programSize() : 1
}

function expressionOf(pattern: string): RE2JS {
  let compiled = expressions.get(pattern)
  if (!compiled) {
    if (expressions.size > 500) expressions.clear()
    try {
      compiled = RE2JS.compile(pattern)
    } catch (error) {
      throw new CelError((error as Error).message)
    }
    expressions.set(pattern, compiled)
  }
  return compiled
}

function findAll(value: CelValue, pattern: CelValue, limit: CelValue = -1n): string[] {
  const matcher = expressionOf(text(pattern)).matcher(text(value))
  const most = index(limit)
  const found: string[] = []
  while ((most < 0 || found.length < most) && matcher.find()) found.push(matcher.group() ?? '')
  return found
}

/** Positions count characters. */
function substring(value: CelValue, from: CelValue, to?: CelValue): string {
  const characters = [...text(value)]
  const [start, end] = [index(from), to === undefined ? characters.length : index(to)]
  if (start < 0 || end > characters.length || start > end) throw new CelError(`index out of range: ${start}`)
  return characters.slice(start, end).join('')
}

function indexOf(value: CelValue, wanted: CelValue, from: CelValue = 0n): bigint {
  if (Array.isArray(value)) return bigint(value.findIndex((item) => equals(item, wanted)))
  return bigint([...text(value)].join('').indexOf(text(wanted), index(from)))
}

function lastIndexOf(value: CelValue, wanted: CelValue): bigint {
  if (Array.isArray(value)) return bigint(value.findLastIndex((item) => equals(item, wanted)))
  return bigint(text(value).lastIndexOf(text(wanted)))
}

function replace(value: CelValue, from: CelValue, to: CelValue, limit: CelValue = -1n): string {
  const most = index(limit)
  const parts = text(value).split(text(from))
  if (most < 0 || parts.length <= most + 1) return parts.join(text(to))
  return [...parts.slice(0, most), ''].join(text(to)) + parts.slice(most).join(text(from))
}

function split(value: CelValue, by: CelValue, limit: CelValue = -1n): string[] {
  const most = index(limit)
  const parts = text(value).split(text(by))
  if (most < 0 || parts.length <= most) return parts
  return most === 0 ? [] : [...parts.slice(0, most - 1), parts.slice(most - 1).join(text(by))]
}

function extreme(values: CelValue[], wanted: -1 | 1): CelValue {
  const all = values.length === 1 && Array.isArray(values[0]) ? values[0] : values
  if (all.length === 0) throw new CelError(`${wanted < 0 ? 'min' : 'max'} called on empty list`)
  return all.reduce((best, value) => (Math.sign(compare(value, best)) === wanted ? value : best))
}

const ascii = (value: CelValue, change: (text: string) => string) =>
  text(value).replace(/[A-Za-z]+/g, (letters) => change(letters))

/** A part of a time in UTC, or of a span in whole units. */
const part =
  (ofTime: (date: Date) => number, unit?: number): CelFunction =>
  (value) => {
    if (value instanceof CelTimestamp) return bigint(ofTime(new Date(value!.ms)))
    if (value instanceof CelDuration && unit) return bigint(Math.trunc(value.ms / unit))
    throw noOverload()
  }

const dayOfYear = (date: Date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000)

export const FUNCTIONS: Readonly<Record<string, CelFunction>> = {
  '==': (a, b) => equals(a!, b!),
  '!=': (a, b) => !equals(a!, b!),
  '<': (a, b) => compare(a!, b!) < 0,
  '<=': (a, b) => compare(a!, b!) <= 0,
  '>': (a, b) => compare(a!, b!) > 0,
  '>=': (a, b) => compare(a!, b!) >= 0,
  in: (value, within) => contains(within!, value!),
  '!': (value) => {
    if (typeof value !== 'boolean') throw noOverload()
    return !value
  },
  negate: (value) => {
    if (value instanceof CelDuration) return new CelDuration(-value.ms)
    if (!isNumber(value!)) throw noOverload()
    return typeof value === 'bigint' ? integer(-value) : -value
  },
  '+': (a, b) => add(a!, b!),
  '-': (a, b) => subtract(a!, b!),
  '*': (a, b) =>
    arithmetic(
      a!,
      b!,
      (x, y) => x * y,
      (x, y) => x * y,
    ),
  '/': (a, b) =>
    arithmetic(
      a!,
      b!,
      (x, y) => x / notZero(y, 'division by zero'),
      (x, y) => x / y,
    ),
  '%': (a, b) => {
    if (typeof a !== 'bigint' || typeof b !== 'bigint') throw noOverload()
    return a % notZero(b, 'modulus by zero')
  },
  size: (value) => size(value!),
  type: (value) => new CelType(typeOf(value!)),
  int: (value) => toInteger(value!),
  uint: (value) => toInteger(value!),
  double: (value) => toDouble(value!),
  string: (value) => toText(value!),
  bool: (value) => (typeof value === 'boolean' ? value : /^(1|t|true|TRUE|True)$/.test(text(value))),
  dyn: (value) => value!,
  duration: (value) => toDuration(value!),
  timestamp: (value) => toTimestamp(value!),
  contains: (value, wanted) => text(value).includes(text(wanted)),
  startsWith: (value, wanted) => text(value).startsWith(text(wanted)),
  endsWith: (value, wanted) => text(value).endsWith(text(wanted)),
  matches: (value, pattern) => expressionOf(text(pattern)).test(text(value)),
  find: (value, pattern) => findAll(value!, pattern!, 1n)[0] ?? '',
  findAll: (value, pattern, limit) => findAll(value!, pattern!, limit),
  charAt: (value, at) => [...text(value)][index(at)] ?? '',
  indexOf: (value, wanted, from) => indexOf(value!, wanted!, from),
  lastIndexOf: (value, wanted) => lastIndexOf(value!, wanted!),
  lowerAscii: (value) => ascii(value!, (letters) => letters.toLowerCase()),
  upperAscii: (value) => ascii(value!, (letters) => letters.toUpperCase()),
  replace: (value, from, to, limit) => replace(value!, from!, to!, limit),
  split: (value, by, limit) => split(value!, by!, limit),
  join: (values, by = '') => list(values).map(text).join(text(by)),
  substring: (value, from, to) => substring(value!, from!, to),
  trim: (value) => text(value).trim(),
  reverse: (value) => (Array.isArray(value) ? value.toReversed() : [...text(value)].reverse().join('')),
  isSorted: (values) => list(values).every((value, at, all) => at === 0 || compare(all[at - 1]!, value) <= 0),
  sum: (values) =>
    list(values).reduce((total, value) => add(total, value), list(values).some((one) => typeof one === 'number') ? 0 : 0n),
  min: (...values) => extreme(values, -1),
  max: (...values) => extreme(values, 1),
  distinct: (values) => list(values).filter((value, at, all) => all.findIndex((one) => equals(one, value)) === at),
  getFullYear: part((date) => date.getUTCFullYear()),
  getMonth: part((date) => date.getUTCMonth()),
  getDate: part((date) => date.getUTCDate()),
  getDayOfMonth: part((date) => date.getUTCDate() - 1),
  getDayOfWeek: part((date) => date.getUTCDay()),
  getDayOfYear: part(dayOfYear),
  getHours: part((date) => date.getUTCHours(), 3_600_000),
  getMinutes: part((date) => date.getUTCMinutes(), 60_000),
  getSeconds: part((date) => date.getUTCSeconds(), 1000),
  getMilliseconds: part((date) => date.getUTCMilliseconds(), 1),
}
