/** Quantities (`500m`, `1Gi`): exact to the nano as upstream keeps them, printed in upstream's canonical form. */

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

export interface Quantity {
  /** Value times 10⁹: upstream rounds anything finer up, away from zero. */
  readonly nano: bigint
  /** How it was written, which is how it is printed. */
  readonly format: QuantityFormat
}

const PATTERN = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
const NANO = 10n ** 9n
const MAXIMUM = (2n ** 63n - 1n) * NANO

const DECIMAL_SUFFIXES = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

export class QuantityError extends Error {
  override readonly name = 'QuantityError'
}

function readQuantity(text: string): Quantity {
  if (text === '') throw new QuantityError('EOF')
  const match = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text)
  const [, sign, whole = '', fraction = '', suffix = ''] = match ?? []
  if (!match || whole + fraction === '') {
    throw new QuantityError(`quantities must match the regular expression '${PATTERN}'`)
  }
  const { base, exponent, format } = parseSuffix(suffix)
  const digits = BigInt(whole + fraction)
  const power = (base === 10 ? exponent : 0) - fraction.length + 9
  const scale = base === 2 ? 2n ** BigInt(exponent) : 1n
  const magnitude = power >= 0 ? digits * scale * 10n ** BigInt(power) : ceilDivide(digits * scale, 10n ** BigInt(-power))
  // Upstream caps only what leaves its fast path: short decimal numbers stay exact however large.
  const mayExceed = base === 10 && whole.length + fraction.length <= 18
  const capped = magnitude > MAXIMUM && !mayExceed ? MAXIMUM : magnitude
  return { nano: sign === '-' ? -capped : capped, format }
}

function parseSuffix(suffix: string): { base: 2 | 10; exponent: number; format: QuantityFormat } {
  const decimal = DECIMAL_SUFFIXES.indexOf(suffix)
  if (decimal >= 0) return { base: 10, exponent: (decimal - 3) * 3, format: 'DecimalSI' }
  const binary = BINARY_SUFFIXES.indexOf(suffix)
  if (binary > 0) return { base: 2, exponent: binary * 10, format: 'BinarySI' }
  if (/^[eE][-+]?\d{1,4}$/.test(suffix)) return { base: 10, exponent: Number(suffix.slice(1)), format: 'DecimalExponent' }
  throw new QuantityError("unable to parse quantity's suffix")
}

/** For values that are not negative. */
const ceilDivide = (value: bigint, by: bigint) => (value + by - 1n) / by

/** The canonical form: no fraction, the largest suffix that keeps it exact, in the format it was written in. */
export function quantityToString({ nano, format }: Quantity): string {
  if (nano === 0n) return '0'
  const isBinary = format === 'BinarySI' && (nano <= -1024n * NANO || nano >= 1024n * NANO) && nano % NANO === 0n
  if (isBinary) {
    let value = nano / NANO
    let index = 0
    while (value % 1024n === 0n && index < BINARY_SUFFIXES.length - 1) {
      value /= 1024n
      index++
    }
    return `${value}${BINARY_SUFFIXES[index]}`
  }
  let value = nano
  let exponent = -9
  // Suffixes end at E; an exponent may grow on.
  const largest = format === 'DecimalExponent' ? Infinity : 18
  while (value % 1000n === 0n && exponent < largest) {
    value /= 1000n
    exponent += 3
  }
  if (format === 'DecimalExponent') return exponent === 0 ? `${value}` : `${value}e${exponent}`
  return `${value}${DECIMAL_SUFFIXES[exponent / 3 + 3]}`
}

const CACHE_SIZE = 4096

/** Clusters use few distinct quantities: each is read once. The cache is emptied when full, which bounds it simply. */
function cached<T>(read: (text: string) => T): (text: string) => T {
  const cache = new Map<string, T>()
  return (text) => {
    const known = cache.get(text)
    if (known !== undefined) return known
    const value = read(text)
    if (cache.size >= CACHE_SIZE) cache.clear()
    cache.set(text, value)
    return value
  }
}

/** Reads a quantity; throws a QuantityError with upstream's text. */
export const parseQuantity = cached(readQuantity)

/** `0.5` becomes `500m`, `1024Mi` becomes `1Gi`. Throws a QuantityError. */
export const canonicalQuantity = cached((text) => quantityToString(parseQuantity(text)))

/** As numbers for arithmetic that need not be exact beyond 2⁵³: both round up, as upstream's Value and MilliValue do. */
export const quantityValue = cached((text) => roundUp(parseQuantity(text).nano, NANO))
export const quantityMilliValue = cached((text) => roundUp(parseQuantity(text).nano, 10n ** 6n))

const roundUp = (nano: bigint, unit: bigint): number => Number(nano >= 0n ? ceilDivide(nano, unit) : -ceilDivide(-nano, unit))

export const ZERO: Quantity = { nano: 0n, format: 'DecimalSI' }

/** The sum keeps the left format, unless the left is zero. */
export const addQuantity = (a: Quantity, b: Quantity): Quantity => ({
  nano: a.nano + b.nano,
  format: a.nano === 0n ? b.format : a.format,
})

export const subtractQuantity = (a: Quantity, b: Quantity): Quantity => addQuantity(a, { ...b, nano: -b.nano })

/** Negative, zero or positive, as comparators are. */
export const compareQuantity = (a: Quantity, b: Quantity): number => (a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0)

export const compareQuantityText = (a: string, b: string): number => compareQuantity(parseQuantity(a), parseQuantity(b))

export const isQuantity = (text: string): boolean => {
  try {
    canonicalQuantity(text)
    return true
  } catch {
    return false
  }
}

export const quantityFromMilli = (milli: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity => ({
  nano: BigInt(milli) * 10n ** 6n,
  format,
})

export const quantityFromInteger = (value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity => ({
  nano: BigInt(value) * NANO,
  format,
})

/** Resource lists (`{ cpu: '1', memory: '1Gi' }`) added name by name. */
export function addResourceLists(...lists: readonly (Readonly<Record<string, string>> | undefined)[]): Record<string, string> {
  const sums = new Map<string, Quantity>()
  for (const list of lists) {
    for (const name in list) sums.set(name, addQuantity(sums.get(name) ?? ZERO, parseQuantity(list[name]!)))
  }
  return Object.fromEntries([...sums].map(([name, sum]) => [name, quantityToString(sum)]))
}
