/** `semver("1.2.3")` in CEL. */
import { text, type CelFunction } from '../arguments.ts'
import { CelError, CelOpaque, noOverload, type CelValue } from '../values.ts'

interface Version {
  numbers: readonly [bigint, bigint, bigint]
  before: readonly string[]
}

const PATTERN = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/
const versions = new WeakMap<CelOpaque, Version>()

/** `v1.2` and `01.2.3` are versions when asked to be lenient. */
function normalize(value: string): string {
  const [, core = '', rest = ''] = /^v?([\d.]*)(.*)$/s.exec(value) ?? []
  const numbers = core.split('.').map((part) => part.replace(/^0+(?=\d)/, ''))
  while (numbers.length < 3) numbers.push('0')
  return numbers.join('.') + rest
}

function parse(value: string, lenient: boolean): Version | undefined {
  const parts = PATTERN.exec(lenient ? normalize(value) : value)
  if (!parts) return undefined
  return { numbers: [BigInt(parts[1]!), BigInt(parts[2]!), BigInt(parts[3]!)], before: parts[4]?.split('.') ?? [] }
}

function compareParts(a: string, b: string): number {
  const [first, second] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (first && second) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0
  if (first !== second) return first ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

function compareVersions(a: Version, b: Version): number {
  for (const [at, number] of a.numbers.entries()) {
    const other = b.numbers[at]!
    if (number !== other) return number < other ? -1 : 1
  }
  // What comes before a version is less than the version.
  if (a.before.length === 0 || b.before.length === 0) return Math.sign(b.before.length - a.before.length)
  for (const [at, part] of a.before.entries()) {
    const other = b.before[at]
    if (other === undefined) return 1
    const order = compareParts(part, other)
    if (order !== 0) return order
  }
  return a.before.length - b.before.length < 0 ? -1 : 0
}

const read = (value: CelValue | undefined): Version => {
  const found = value instanceof CelOpaque ? versions.get(value) : undefined
  if (!found) throw noOverload()
  return found
}

function create(version: Version): CelOpaque {
  const compareTo = (other: CelValue | undefined) => compareVersions(version, read(other))
  const opaque = new CelOpaque('kubernetes.Semver', `${version.numbers.join('.')}-${version.before.join('.')}`, {
    major: () => version.numbers[0],
    minor: () => version.numbers[1],
    patch: () => version.numbers[2],
    isGreaterThan: (other) => compareTo(other) > 0,
    isLessThan: (other) => compareTo(other) < 0,
    compareTo: (other) => BigInt(compareTo(other)),
  })
  versions.set(opaque, version)
  return opaque
}

export const semvers: Readonly<Record<string, CelFunction>> = {
  isSemver: (value, lenient) => parse(text(value), lenient === true) !== undefined,
  semver: (value, lenient) => {
    const version = parse(text(value), lenient === true)
    if (!version) throw new CelError(`semver parse error during conversion from string: ${JSON.stringify(value)}`)
    return create(version)
  },
}
