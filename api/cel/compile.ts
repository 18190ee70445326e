/** Compiles a CEL expression into closures. What it names must exist; what it does with values is found out when it runs. */
import type { CelFunction } from './arguments.ts'
import type { Element, Expression } from './expression.ts'
import { inferType } from './infer-type.ts'
import { FUNCTIONS, isQuadratic, isType, METHODS, weightIn } from './library.ts'
import { indexing, logic, selection } from './operators.ts'
import { runMacro } from './macros.ts'
import { dottedName, parse } from './parse.ts'
import { charge, lookUp, MAX_COST, type CelBudget, type Run, type Scope } from './run.ts'
import { CelError, CelOpaque, CelOptional, CelType, noOverload, type CelMap, type CelValue } from './values.ts'

export interface CelProgram {
  /** Throws a CelError. */
  evaluate(variables: Readonly<Record<string, CelValue>>, budget?: CelBudget): CelValue
  /** Those of the variables offered that it names. */
  uses: ReadonlySet<string>
  /** Of its result, where its form tells it: else `dyn`. */
  type: string
}

export interface CelOptions {
  /** The members of variables that have no others: naming another is an error before anything runs. */
  members?: Readonly<Record<string, readonly string[]>>
  /** Types of which values can be written, `Object.spec{…}`: by their first name. */
  types?: readonly string[]
}

/** Throws a CelError when the text is no expression, or names something that there is not. */
export function compileCel(text: string, variables: readonly string[], options: CelOptions = {}): CelProgram {
  const uses = new Set<string>()
  const tree = parse(text)
  const run = guarded(() => new Compiler(new Set(variables), uses, options).compile(tree, []))
  return {
    uses,
    type: inferType(tree),
    evaluate: (values, budget = { left: MAX_COST }) => {
      let scope: Scope | undefined
      for (const name in values) scope = { name, value: values[name]!, outer: scope }
      return guarded(() => run({ scope, budget }))
    },
  }
}

/** The error as upstream's compiler shows it: with its place in the text. */
export function describeError(text: string, { message, at = 0 }: CelError): string {
  const before = text.slice(0, at).split('\n')
  const column = [...before.at(-1)!].length
  const line = text.split('\n')[before.length - 1] ?? ''
  return `ERROR: <input>:${before.length}:${column + 1}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`
}

/** A text that is long rather than deep still makes a deep tree. */
function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof RangeError ? new CelError('expression recursion limit exceeded') : error
  }
}

const undeclared = (name: string, at: number) => new CelError(`undeclared reference to '${name}' (in container '')`, at)

class Compiler {
  readonly #offered: ReadonlySet<string>
  readonly #uses: Set<string>
  readonly #options: CelOptions

  constructor(offered: ReadonlySet<string>, uses: Set<string>, options: CelOptions) {
    this.#offered = offered
    this.#uses = uses
    this.#options = options
  }

  compile(expression: Expression, locals: readonly string[]): Run {
    const run = this.#compile(expression, locals)
    return (state) => {
      charge(state.budget, 1)
      return run(state)
    }
  }

  #compile(expression: Expression, locals: readonly string[]): Run {
    const sub = (inner: Expression) => this.compile(inner, locals)
    switch (expression.op) {
      case 'literal':
        return () => expression.value
      case 'name':
        return this.#name(expression.name, expression.at, locals)
      case 'select':
        return this.#select(expression, locals)
      case 'index':
        return indexing(sub(expression.of), sub(expression.by), expression.optional)
      case 'list':
        return listOf(expression.items.map(({ value, optional }) => ({ run: sub(value), optional })))
      case 'message':
        if (!this.#options.types?.includes(expression.type.split('.', 1)[0]!)) throw undeclared(expression.type, expression.at)
        return this.#map(expression.entries, locals)
      case 'map':
        return this.#map(expression.entries, locals)
      case 'and':
      case 'or':
        return logic(sub(expression.left), sub(expression.right), expression.op === 'or')
      case 'choose': {
        const [when, yes, no] = [sub(expression.when), sub(expression.yes), sub(expression.no)]
        return (state) => {
          const chosen = when(state)
          if (typeof chosen !== 'boolean') throw noOverload()
          return chosen ? yes(state) : no(state)
        }
      }
      case 'macro': {
        const inside = [...locals, ...expression.variables]
        const bodies = expression.bodies.map((body) => this.compile(body, inside))
        return runMacro(expression.name, sub(expression.of), expression.variables, bodies)
      }
      case 'call':
        return this.#call(expression, locals)
    }
  }

  #isVariable(name: string, locals: readonly string[]): boolean {
    return locals.includes(name) || this.#offered.has(name)
  }

  #name(name: string, at: number, locals: readonly string[]): Run {
    if (!this.#isVariable(name, locals)) {
      if (isType(name)) return () => new CelType(name)
      throw undeclared(name, at)
    }
    this.#uses.add(name)
    return ({ scope }) => lookUp(name, scope)
  }

  #select({ of, field, test, optional, at }: Expression & { op: 'select' }, locals: readonly string[]): Run {
    const whole = dottedName({ op: 'select', of, field, test, optional, at })
    if (whole !== undefined && isType(whole) && !this.#isVariable(whole.split('.', 1)[0]!, locals))
      return () => new CelType(whole)
    const members = of.op === 'name' && !locals.includes(of.name) ? this.#options.members?.[of.name] : undefined
    if (members && !members.includes(field)) throw new CelError(`undefined field '${field}'`, at)
    return selection(this.compile(of, locals), field, test, optional)
  }

  #map(entries: readonly (Element & { key: Expression })[], locals: readonly string[]): Run {
    const compiled = entries.map(({ key, value, optional }) => ({
      key: this.compile(key, locals),
      run: this.compile(value, locals),
      optional,
    }))
    return (state) => {
      const made: [string, CelValue][] = []
      for (const { key, run, optional } of compiled) {
        const value = present(run(state), optional)
        if (value !== undefined) made.push([String(key(state)), value])
      }
      return Object.fromEntries(made)
    }
  }

  #call({ name, target, parameters, at }: Expression & { op: 'call' }, locals: readonly string[]): Run {
    const space = target && dottedName(target)
    const isSpace = space !== undefined && !this.#isVariable(space.split('.', 1)[0]!, locals)
    const whole = isSpace ? `${space}.${name}` : name
    if (isSpace && FUNCTIONS.has(whole)) return calling(whole, FUNCTIONS.get(whole), false, this.#all(parameters, locals))
    if (!FUNCTIONS.has(name) && !(target && METHODS.has(name))) throw undeclared(name, at)
    const all = this.#all(target ? [target, ...parameters] : parameters, locals)
    return calling(name, FUNCTIONS.get(name), target !== undefined, all)
  }

  #all(expressions: readonly Expression[], locals: readonly string[]): Run[] {
    return expressions.map((one) => this.compile(one, locals))
  }
}

/** What an element with a question mark comes to; undefined leaves it out. */
function present(value: CelValue, optional: boolean): CelValue | undefined {
  if (!optional) return value
  if (!(value instanceof CelOptional)) throw noOverload()
  return value.value
}

const listOf =
  (items: readonly { run: Run; optional: boolean }[]): Run =>
  (state) =>
    items.flatMap(({ run, optional }) => {
      const value = present(run(state), optional)
      return value === undefined ? [] : [value]
    })

/** Functions have to look at what they are given; a few at each part of it once for each part of another. */
function calling(name: string, call: CelFunction | undefined, isMethod: boolean, all: readonly Run[]): Run {
  const quadratic = isQuadratic(name)
  return (state) => {
    const values = all.map((one) => one(state))
    let [sum, product] = [0, 1]
    for (let at = 0; at < values.length; at++) {
      const weight = weightIn(name, values[at]!, at)
      sum += weight
      product *= weight
    }
    charge(state.budget, (quadratic ? Math.max(sum, product) : sum) / 10)
    const [first, ...rest] = values
    const method = isMethod && first instanceof CelOpaque && Object.hasOwn(first.methods, name) && first.methods[name]
    if (!method && !call) throw noOverload()
    const result = method ? method(...rest) : call!(...values)
    // A list that was made takes room, whatever little it was made of.
    if (Array.isArray(result)) charge(state.budget, result.length)
    else if (typeof result === 'string') charge(state.budget, result.length / 10)
    return result
  }
}

/** A JSON value as CEL has it, where nothing says more about its numbers: whole ones are integers. */
export function fromJson(value: unknown): CelValue {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fromJson(member)])) as CelMap
  return value as CelValue
}
