/** CEL's values in JavaScript: integers are bigint, doubles are number, maps are objects; times and spans have classes. */

export class CelError extends Error {
  override readonly name = 'CelError'
  /** Where in the text, for what is wrong before anything runs. */
  readonly at: number | undefined
  constructor(message: string, at?: number) {
    super(message)
    this.at = at
  }
}

/** A value of a type that CEL itself does not have: it is what its methods say. */
export class CelOpaque {
  readonly type: string
  /** Equal values have equal keys. */
  readonly key: string
  readonly methods: Readonly<Record<string, (...values: CelValue[]) => CelValue>>
  readonly options: { text?: string; field?: (name: string) => CelValue | undefined }
  constructor(
    type: string,
    key: string,
    methods: Readonly<Record<string, (...values: CelValue[]) => CelValue>>,
    options: { text?: string; field?: (name: string) => CelValue | undefined } = {},
  ) {
    this.type = type
    this.key = key
    this.methods = methods
    this.options = options
  }
}

/** A value that may not be there. */
export class CelOptional {
  readonly value: CelValue | undefined
  constructor(value: CelValue | undefined) {
    this.value = value
  }
}

export class CelTimestamp {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
}

export class CelDuration {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
}

/** Names a type: what `type(x)` answers. */
export class CelType {
  readonly type: string
  constructor(type: string) {
    this.type = type
  }
}

export type CelMap = { [key: string]: CelValue }
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | CelValue[]
  | CelMap
  | CelTimestamp
  | CelDuration
  | CelType
  | CelOpaque
  | CelOptional

export const isMap = (value: CelValue): value is CelMap =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

export const isNumber = (value: CelValue): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

export function typeOf(value: CelValue): string {
  if (value === null) return 'null_type'
  if (Array.isArray(value)) return 'list'
  if (value instanceof CelTimestamp) return 'google.protobuf.Timestamp'
  if (value instanceof CelDuration) return 'google.protobuf.Duration'
  if (value instanceof CelType) return 'type'
  if (value instanceof CelOpaque) return value.type
  if (value instanceof CelOptional) return 'optional_type'
  const names: Record<string, string> = { boolean: 'bool', bigint: 'int', number: 'double', string: 'string', object: 'map' }
  return names[typeof value]!
}

export const noOverload = (): CelError => new CelError('no such overload')

export function equals(a: CelValue, b: CelValue): boolean {
  // eslint-disable-next-line eqeqeq -- an integer and a double may be the same number.
  if (isNumber(a) && isNumber(b)) return a == b
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => equals(item, b[index]!))
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp && a.ms === b.ms
  if (a instanceof CelDuration) return b instanceof CelDuration && a.ms === b.ms
  if (a instanceof CelType) return b instanceof CelType && a.type === b.type
  if (a instanceof CelOpaque) return b instanceof CelOpaque && a.type === b.type && a.key === b.key
  if (a instanceof CelOptional) {
    if (!(b instanceof CelOptional)) return false
    return a.value === undefined || b.value === undefined ? a.value === b.value : equals(a.value, b.value)
  }
  if (!isMap(a)) return a === b
  if (!isMap(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equals(a[key]!, b[key]!))
}

/** Negative, zero or positive. Throws for what has no order. */
export function compare(a: CelValue, b: CelValue): number {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof CelTimestamp && b instanceof CelTimestamp) return a.ms - b.ms
  if (a instanceof CelDuration && b instanceof CelDuration) return a.ms - b.ms
  throw noOverload()
}

const weights = new WeakMap<object, number>()

/** How much there is to look at in a value: what functions that look at all of it are charged by. */
export function weigh(value: CelValue): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 1
  const members = Array.isArray(value) ? value : isMap(value) ? Object.values(value) : undefined
  if (!members) return 1
  let weight = weights.get(value)
  if (weight === undefined) {
    weight = 1
    for (const member of members) weight += weigh(member)
    weights.set(value, weight)
  }
  return weight
}
