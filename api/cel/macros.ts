/** CEL's macros: what runs an expression once for each member of a list or map, and what names a value. */
import { charge, type Run, type State } from './run.ts'
import type { MacroName } from './expression.ts'
import { NONE, truth } from './operators.ts'
import { CelError, CelOptional, isMap, noOverload, type CelValue } from './values.ts'

/** For one variable: items of a list, keys of a map. For two: position and item, key and value. */
function membersOf(value: CelValue, variables: number): CelValue[][] {
  if (Array.isArray(value)) return value.map((item, at) => (variables === 2 ? [BigInt(at), item] : [item]))
  if (isMap(value)) return Object.entries(value).map(([key, member]) => (variables === 2 ? [key, member] : [key]))
  throw noOverload()
}

export function runMacro(name: MacroName, of: Run, variables: readonly string[], bodies: readonly Run[]): Run {
  const body = bodies.at(-1)!
  const filter = bodies.length > 1 ? bodies[0] : undefined
  const within = (state: State, values: readonly CelValue[], run: Run): CelValue => {
    const { scope } = state
    variables.forEach((variable, at) => {
      state.scope = { name: variable, value: values[at]!, outer: state.scope }
    })
    try {
      return run(state)
    } finally {
      state.scope = scope
    }
  }
  const members = (state: State) => {
    const all = membersOf(of(state), variables.length)
    charge(state.budget, all.length / 10)
    return all
  }
  const holds = (state: State, values: readonly CelValue[], run: Run) => truth(within(state, values, run))
  const chosen = (state: State) => (filter ? members(state).filter((values) => holds(state, values, filter)) : members(state))
  switch (name) {
    case 'all':
    case 'exists':
      return (state) => some(state, members(state), (values) => holds(state, values, body), name === 'exists')
    case 'exists_one':
      return (state) => members(state).filter((values) => holds(state, values, body)).length === 1
    case 'filter':
      return (state) =>
        members(state)
          .filter((values) => holds(state, values, body))
          .map(([value]) => value!)
    case 'map':
    case 'transformList':
      return (state) => chosen(state).map((values) => within(state, values, body))
    case 'transformMap':
      return (state) => Object.fromEntries(chosen(state).map((values) => [String(values[0]), within(state, values, body)]))
    case 'transformMapEntry':
      return (state) => entriesOf(chosen(state).map((values) => within(state, values, body)))
    case 'bind':
      return (state) => within(state, [of(state)], body)
    case 'optMap':
    case 'optFlatMap':
      return (state) => {
        const optional = of(state)
        if (!(optional instanceof CelOptional)) throw noOverload()
        if (optional.value === undefined) return NONE
        const result = within(state, [optional.value], body)
        return name === 'optMap' ? new CelOptional(result) : result
      }
  }
}

function entriesOf(maps: readonly CelValue[]): CelValue {
  const all: Record<string, CelValue> = {}
  for (const map of maps) {
    if (!isMap(map)) throw noOverload()
    for (const [key, value] of Object.entries(map)) {
      if (Object.hasOwn(all, key)) throw new CelError(`insert failed: key ${JSON.stringify(key)} already exists`)
      Object.defineProperty(all, key, { value, enumerable: true, writable: true, configurable: true })
    }
  }
  return all
}

/** As the logic operators, over any number. */
function some(
  { budget }: State,
  members: readonly CelValue[][],
  test: (values: readonly CelValue[]) => boolean,
  decisive: boolean,
): boolean {
  let failed: CelError | undefined
  for (const values of members) {
    try {
      if (test(values) === decisive) return decisive
    } catch (error) {
      if (!(error instanceof CelError) || budget.left < 0) throw error
      failed ??= error
    }
  }
  if (failed) throw failed
  return !decisive
}
