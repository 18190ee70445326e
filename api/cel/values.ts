/** CEL's values in JavaScript: integers are bigint, doubles are number, maps are objects; times and spans have classes. */

export class CelError extends Error {
  override readonly name = 'CelError'
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
export type CelValue = null | boolean | bigint | number | string | CelValue[] | CelMap | CelTimestamp | CelDuration | CelType

export const isMap = (value: CelValue): value is CelMap =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof CelTimestamp || value instanceof CelDuration || value instanceof CelType)

export const isNumber = (value: CelValue): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

export function typeOf(value: CelValue): string {
  if (value === null) return 'null_type'
  if (Array.isArray(value)) return 'list'
  if (value instanceof CelTimestamp) return 'google.protobuf.Timestamp'
  if (value instanceof CelDuration) return 'google.protobuf.Duration'
  if (value instanceof CelType) return 'type'
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
