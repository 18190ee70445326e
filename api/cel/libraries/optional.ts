/** Optional values in CEL: `a.?b.orValue(1)`, `optional.of(x)`. */
import type { CelFunction } from '../arguments.ts'
import { list } from '../arguments.ts'
import { CelError, CelOptional, isMap, noOverload, type CelValue } from '../values.ts'

const read = (value: CelValue | undefined): CelOptional => {
  if (!(value instanceof CelOptional)) throw noOverload()
  return value
}

function isZero(value: CelValue): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isMap(value)) return Object.keys(value).length === 0
  return value === null || value === false || value === '' || value === 0 || value === 0n
}

export const optionals: Readonly<Record<string, CelFunction>> = {
  'optional.of': (value) => new CelOptional(value),
  'optional.none': () => new CelOptional(undefined),
  'optional.ofNonZeroValue': (value) => new CelOptional(isZero(value!) ? undefined : value),
  hasValue: (optional) => read(optional).value !== undefined,
  value: (optional) => {
    const { value } = read(optional)
    if (value === undefined) throw new CelError('optional.none() dereference')
    return value
  },
  or: (optional, other) => (read(optional).value === undefined ? read(other) : optional!),
  orValue: (optional, other) => read(optional).value ?? (read(optional).value === null ? null : other!),
  unwrapOpt: (values) => list(values).flatMap((one) => read(one).value ?? []),
  first: (values) => new CelOptional(list(values)[0]),
  last: (values) => new CelOptional(list(values).at(-1)),
}
