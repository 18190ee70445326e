/** `sets.contains(a, b)` and its like, and the additions to lists and numbers, in CEL. */
import { index, list, text, type CelFunction } from '../arguments.ts'
import { compare, CelError, equals, noOverload, type CelValue } from '../values.ts'

const holds = (values: readonly CelValue[], wanted: CelValue) => values.some((one) => equals(one, wanted))
const containsAll = (a: CelValue[], b: CelValue[]) => b.every((wanted) => holds(a, wanted))

/** Longer ones serve nobody: each item is one step of whoever walks over them. */
const MAX_RANGE = 100_000

function slice(values: CelValue | undefined, from: CelValue | undefined, to: CelValue | undefined): CelValue {
  const [all, start, end] = [list(values), index(from), index(to)]
  if (start < 0 || end < start || end > all.length)
    throw new CelError(`cannot slice(${start}, ${end}), list length is ${all.length}`)
  return all.slice(start, end)
}

const flatten = (values: CelValue[], depth: number): CelValue[] =>
  values.flatMap((one) => (Array.isArray(one) && depth > 0 ? flatten(one, depth - 1) : [one]))

function most(values: readonly CelValue[], sign: 1 | -1): CelValue {
  const all = values.length === 1 && Array.isArray(values[0]) ? values[0] : values
  if (all.length === 0) throw noOverload()
  return all.reduce((best, one) => (Math.sign(compare(one, best)) === sign ? one : best))
}

export const collections: Readonly<Record<string, CelFunction>> = {
  'sets.contains': (a, b) => containsAll(list(a), list(b)),
  'sets.equivalent': (a, b) => containsAll(list(a), list(b)) && containsAll(list(b), list(a)),
  'sets.intersects': (a, b) => list(a).some((one) => holds(list(b), one)),
  'lists.range': (count) => {
    const length = index(count)
    if (length > MAX_RANGE) throw new CelError('operation cancelled: actual cost limit exceeded')
    return Array.from({ length: Math.max(0, length) }, (_, at) => BigInt(at))
  },
  slice,
  flatten: (values, depth) => flatten(list(values), depth === undefined ? 1 : index(depth)),
  sort: (values) => list(values).toSorted(compare),
  'math.greatest': (...values) => most(values, 1),
  'math.least': (...values) => most(values, -1),
  'strings.quote': (value) => JSON.stringify(text(value)),
  'jsonpatch.escapeKey': (value) => text(value).replaceAll('~', '~0').replaceAll('/', '~1'),
}
