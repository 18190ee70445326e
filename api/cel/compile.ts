/** Compiles a CEL expression into closures. What it names must exist; what it does with values is found out when it runs. */
import type { Expression, MacroName } from './expression.ts'
import { FUNCTIONS } from './functions.ts'
import { parse } from './parse.ts'
import { CelError, CelType, isMap, noOverload, type CelMap, type CelValue } from './values.ts'

/** Variables, innermost first. */
interface Scope {
  name: string
  value: CelValue
  outer: Scope | undefined
}

interface State {
  scope: Scope | undefined
  /** Steps left: what runs too long is stopped. */
  budget: number
}

type Run = (state: State) => CelValue

export interface CelProgram {
  /** Throws a CelError. */
  evaluate(variables: Readonly<Record<string, CelValue>>): CelValue
  /** Those of the variables offered that it names. */
  uses: ReadonlySet<string>
}

const MAX_STEPS = 1_000_000
const TYPES = new Set(['int', 'uint', 'double', 'string', 'bool', 'list', 'map', 'null_type', 'type'])

/** Throws a CelError when the text is no expression, or names something that there is not. */
export function compileCel(text: string, variables: readonly string[]): CelProgram {
  const offered = new Set(variables)
  const uses = new Set<string>()
  const run = new Compiler(offered, uses).compile(parse(text), [])
  return {
    uses,
    evaluate: (values) => {
      let scope: Scope | undefined
      for (const name in values) scope = { name, value: values[name]!, outer: scope }
      return run({ scope, budget: MAX_STEPS })
    },
  }
}

const undeclared = (name: string) => new CelError(`undeclared reference to '${name}' (in container '')`)

function lookUp(name: string, scope: Scope | undefined): CelValue {
  for (let at = scope; at; at = at.outer) if (at.name === name) return at.value
  throw new CelError(`no such attribute(s): ${name}`)
}

const truth = (value: CelValue): boolean => {
  if (typeof value !== 'boolean') throw noOverload()
  return value
}

class Compiler {
  readonly #offered: ReadonlySet<string>
  readonly #uses: Set<string>

  constructor(offered: ReadonlySet<string>, uses: Set<string>) {
    this.#offered = offered
    this.#uses = uses
  }

  compile(expression: Expression, locals: readonly string[]): Run {
    const run = this.#compile(expression, locals)
    return (state) => {
      if (--state.budget < 0) throw new CelError('operation cancelled: actual cost limit exceeded')
      return run(state)
    }
  }

  #compile(expression: Expression, locals: readonly string[]): Run {
    const sub = (inner: Expression) => this.compile(inner, locals)
    switch (expression.op) {
      case 'literal':
        return () => expression.value
      case 'name':
        return this.#name(expression.name, locals)
      case 'select':
        return selection(sub(expression.of), expression.field, expression.test)
      case 'index':
        return indexing(sub(expression.of), sub(expression.by))
      case 'list': {
        const items = expression.items.map(sub)
        return (state) => items.map((item) => item(state))
      }
      case 'map': {
        const entries = expression.entries.map(([key, value]) => [sub(key), sub(value)] as const)
        return (state) => Object.fromEntries(entries.map(([key, value]) => [String(key(state)), value(state)]))
      }
      case 'and':
      case 'or':
        return logic(sub(expression.left), sub(expression.right), expression.op === 'or')
      case 'choose': {
        const [when, yes, no] = [sub(expression.when), sub(expression.yes), sub(expression.no)]
        return (state) => (truth(when(state)) ? yes(state) : no(state))
      }
      case 'macro': {
        const inside = [...locals, expression.variable]
        const bodies = expression.bodies.map((body) => this.compile(body, inside))
        return macro(expression.name, sub(expression.of), expression.variable, bodies)
      }
      case 'call':
        return this.#call(expression.name, expression.target, expression.parameters, locals)
    }
  }

  #name(name: string, locals: readonly string[]): Run {
    if (!locals.includes(name) && !this.#offered.has(name)) {
      if (TYPES.has(name)) return () => new CelType(name)
      throw undeclared(name)
    }
    this.#uses.add(name)
    return ({ scope }) => lookUp(name, scope)
  }

  #call(name: string, target: Expression | undefined, parameters: readonly Expression[], locals: readonly string[]): Run {
    const call = FUNCTIONS[name]
    if (!call || !Object.hasOwn(FUNCTIONS, name)) throw undeclared(name)
    const all = [...(target ? [target] : []), ...parameters].map((one) => this.compile(one, locals))
    return (state) => call(...all.map((one) => one(state)))
  }
}

function selection(of: Run, field: string, test: boolean): Run {
  return (state) => {
    const map = of(state)
    if (!isMap(map)) throw noOverload()
    const there = Object.hasOwn(map, field)
    if (test) return there
    if (!there) throw new CelError(`no such key: ${field}`)
    return map[field]!
  }
}

function indexing(of: Run, by: Run): Run {
  return (state) => {
    const [within, at] = [of(state), by(state)]
    if (Array.isArray(within)) {
      const item = typeof at === 'bigint' ? within[Number(at)] : undefined
      if (item === undefined) throw new CelError(`index out of bounds: ${String(at)}`)
      return item
    }
    if (!isMap(within)) throw noOverload()
    const key = String(at)
    if (!Object.hasOwn(within, key)) throw new CelError(`no such key: ${key}`)
    return within[key]!
  }
}

/** One side that decides is enough, even when the other cannot be told. */
function logic(left: Run, right: Run, decisive: boolean): Run {
  const attempt = (run: Run, state: State): boolean | CelError => {
    try {
      return truth(run(state))
    } catch (error) {
      if (error instanceof CelError) return error
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

const members = (value: CelValue): readonly CelValue[] => {
  if (Array.isArray(value)) return value
  if (isMap(value)) return Object.keys(value)
  throw noOverload()
}

function macro(name: MacroName, of: Run, variable: string, [body, second]: readonly Run[]): Run {
  const within = (state: State, value: CelValue, run: Run): CelValue => {
    const outer = state.scope
    state.scope = { name: variable, value, outer }
    try {
      return run(state)
    } finally {
      state.scope = outer
    }
  }
  const holds = (state: State, value: CelValue) => truth(within(state, value, body!))
  switch (name) {
    case 'all':
    case 'exists':
      return (state) => some(members(of(state)), (value) => holds(state, value), name === 'exists')
    case 'exists_one':
      return (state) => members(of(state)).filter((value) => holds(state, value)).length === 1
    case 'filter':
      return (state) => members(of(state)).filter((value) => holds(state, value))
    case 'map':
      return (state) => {
        const chosen = second ? members(of(state)).filter((value) => holds(state, value)) : members(of(state))
        return chosen.map((value) => within(state, value, second ?? body!))
      }
  }
}

/** As `logic`, over any number. */
function some(values: readonly CelValue[], test: (value: CelValue) => boolean, decisive: boolean): boolean {
  let failed: CelError | undefined
  for (const value of values) {
    try {
      if (test(value) === decisive) return decisive
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      failed ??= error
    }
  }
  if (failed) throw failed
  return !decisive
}

/** A JSON value as CEL has it, where nothing says more about its numbers: whole ones are integers. */
export function fromJson(value: unknown): CelValue {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fromJson(member)])) as CelMap
  return value as CelValue
}
