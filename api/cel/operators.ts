/** The operators of CEL that are no functions: fields, positions, and the logic that an error on one side need not stop. */
import type { Run, State } from './run.ts'
import { CelError, CelOpaque, CelOptional, isMap, noOverload, type CelValue } from './values.ts'

export const NONE = new CelOptional(undefined)

export const truth = (value: CelValue): boolean => {
  if (typeof value !== 'boolean') throw noOverload()
  return value
}

/** Undefined when there is no such field. */
function fieldOf(value: CelValue, field: string): CelValue | undefined {
  if (value instanceof CelOpaque && value.options.field) return value.options.field(field)
  if (!isMap(value)) throw noOverload()
  return Object.hasOwn(value, field) ? value[field] : undefined
}

export function selection(of: Run, field: string, test: boolean, optional: boolean): Run {
  return (state) => {
    const whole = of(state)
    const isChain = whole instanceof CelOptional
    if (isChain && whole.value === undefined) return test ? false : NONE
    const found = fieldOf(isChain ? whole.value! : whole, field)
    if (test) return found !== undefined
    if (isChain || optional) return new CelOptional(found)
    if (found === undefined) throw new CelError(`no such key: ${field}`)
    return found
  }
}

export function indexing(of: Run, by: Run, optional: boolean): Run {
  return (state) => {
    const [whole, at] = [of(state), by(state)]
    const isChain = whole instanceof CelOptional
    if (isChain && whole.value === undefined) return NONE
    const within = isChain ? whole.value! : whole
    const found = itemAt(within, at)
    if (isChain || optional) return new CelOptional(found)
    if (found === undefined) throw new CelError(`${Array.isArray(within) ? 'index out of bounds' : 'no such key'}: ${String(at)}`)
    return found
  }
}

function itemAt(within: CelValue, at: CelValue): CelValue | undefined {
  if (Array.isArray(within)) return typeof at === 'bigint' ? within[Number(at)] : undefined
  if (!isMap(within)) throw noOverload()
  const key = String(at)
  return Object.hasOwn(within, key) ? within[key] : undefined
}

/** One side that decides is enough, even when the other cannot be told. */
export function logic(left: Run, right: Run, decisive: boolean): Run {
  const attempt = (run: Run, state: State): boolean | CelError => {
    try {
      return truth(run(state))
    } catch (error) {
      // What has spent everything has no other side.
      if (error instanceof CelError && state.budget.left >= 0) return error
      throw error
    }
  }
  return (state) => {
    const first = attempt(left, state)
    if (first === decisive) return decisive
    const second = attempt(right, state)
    if (second === decisive) return decisive
    if (first instanceof CelError) throw first
    if (second instanceof CelError) throw second
    return !decisive
  }
}
