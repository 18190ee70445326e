/** `quantity("1.5Gi")`: Kubernetes quantities in CEL. */
import {
  addQuantity,
  compareQuantity,
  isQuantity,
  parseQuantity,
  quantityFromInteger,
  quantityToString,
  subtractQuantity,
  type Quantity,
} from '../../quantity.ts'
import { text, type CelFunction } from '../arguments.ts'
import { CelError, CelOpaque, noOverload, type CelValue } from '../values.ts'

const NANO = 10n ** 9n
const values = new WeakMap<CelOpaque, Quantity>()

const read = (value: CelValue | undefined): Quantity => {
  if (typeof value === 'bigint') return quantityFromInteger(value)
  const found = value instanceof CelOpaque ? values.get(value) : undefined
  if (!found) throw noOverload()
  return found
}

const isWhole = ({ nano }: Quantity) => nano % NANO === 0n

function toInteger(quantity: Quantity): bigint {
  if (!isWhole(quantity)) throw new CelError('cannot convert value to integer')
  return quantity.nano / NANO
}

function create(quantity: Quantity): CelOpaque {
  const opaque = new CelOpaque(
    'kubernetes.Quantity',
    String(quantity.nano),
    {
      sign: () => (quantity.nano > 0n ? 1n : quantity.nano < 0n ? -1n : 0n),
      isGreaterThan: (other) => compareQuantity(quantity, read(other)) > 0,
      isLessThan: (other) => compareQuantity(quantity, read(other)) < 0,
      compareTo: (other) => BigInt(compareQuantity(quantity, read(other))),
      add: (other) => create(addQuantity(quantity, read(other))),
      sub: (other) => create(subtractQuantity(quantity, read(other))),
      isInteger: () => isWhole(quantity),
      asInteger: () => toInteger(quantity),
      asApproximateFloat: () => Number(quantity.nano) / 1e9,
    },
    { text: quantityToString(quantity) },
  )
  values.set(opaque, quantity)
  return opaque
}

export const quantities: Readonly<Record<string, CelFunction>> = {
  isQuantity: (value) => isQuantity(text(value)),
  quantity: (value) => {
    const given = text(value)
    if (!isQuantity(given)) {
      const why = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
      throw new CelError(why)
    }
    return create(parseQuantity(given))
  },
}
