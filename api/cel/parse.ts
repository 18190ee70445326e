/** Parses CEL: precedence climbing over tokens, with the macros taken for what they are. */
import type { Element, Expression, MacroName } from './expression.ts'
import { tokenize, type Token } from './tokens.ts'
import { CelError } from './values.ts'

const tooDeep = () => new CelError('expression recursion limit exceeded: 200')

/** Throws a CelError. */
export function parse(text: string): Expression {
  try {
    return new Parser(tokenize(text)).parse()
  } catch (error) {
    // The stack ended before the limit was reached.
    throw error instanceof RangeError ? tooDeep() : error
  }
}

const BINARY: readonly (readonly string[])[] = [
  ['<', '<=', '>', '>=', '==', '!=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
]

interface MacroForm {
  name: MacroName
  /** How many arguments it has, of which so many are variables. */
  count: number
  variables: number
}

const forms = (name: MacroName, ...shapes: readonly [count: number, variables: number][]): MacroForm[] =>
  shapes.map(([count, variables]) => ({ name, count, variables }))

/** By the name in the text. */
const MACROS: Readonly<Record<string, readonly MacroForm[]>> = {
  all: forms('all', [2, 1], [3, 2]),
  exists: forms('exists', [2, 1], [3, 2]),
  exists_one: forms('exists_one', [2, 1]),
  existsOne: forms('exists_one', [2, 1], [3, 2]),
  map: forms('map', [2, 1], [3, 1]),
  filter: forms('filter', [2, 1]),
  transformList: forms('transformList', [3, 2], [4, 2]),
  transformMap: forms('transformMap', [3, 2], [4, 2]),
  transformMapEntry: forms('transformMapEntry', [3, 2], [4, 2]),
  optMap: forms('optMap', [2, 1]),
  optFlatMap: forms('optFlatMap', [2, 1]),
}
const MAX_DEPTH = 200

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): Expression {
    const expression = this.#expression()
    if (this.#now.kind !== 'end') throw this.#unexpected()
    return expression
  }

  get #now(): Token {
    return this.#tokens[this.#at]!
  }

  #isSign(text: string): boolean {
    const { kind, text: now } = this.#now
    return kind === 'sign' && now === text
  }

  #take(text: string): boolean {
    if (!this.#isSign(text)) return false
    this.#at++
    return true
  }

  #need(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(text)
  }

  #unexpected(wanted?: string): CelError {
    const { kind, text, at } = this.#now
    const found = kind === 'end' ? '<EOF>' : text
    return new CelError(`Syntax error: mismatched input '${found}'${wanted ? ` expecting '${wanted}'` : ''}`, at)
  }

  #expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw tooDeep()
    const when = this.#logic('or')
    let result = when
    if (this.#take('?')) {
      const yes = this.#logic('or')
      this.#need(':')
      result = { op: 'choose', when, yes, no: this.#expression() }
    }
    this.#depth--
    return result
  }

  #logic(op: 'or' | 'and'): Expression {
    const next = () => (op === 'or' ? this.#logic('and') : this.#binary(0))
    let left = next()
    while (this.#take(op === 'or' ? '||' : '&&')) left = { op, left, right: next() }
    return left
  }

  #binary(level: number): Expression {
    const signs = BINARY[level]
    if (!signs) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const { kind, text, at } = this.#now
      if ((kind !== 'sign' && !(kind === 'name' && text === 'in')) || !signs.includes(text)) return left
      this.#at++
      left = { op: 'call', name: text, target: undefined, parameters: [left, this.#binary(level + 1)], at }
    }
  }

  #unary(): Expression {
    const { at } = this.#now
    if (this.#take('!')) return { op: 'call', name: '!', target: undefined, parameters: [this.#unary()], at }
    if (!this.#take('-')) return this.#member()
    const inner = this.#unary()
    if (inner.op === 'literal' && (typeof inner.value === 'bigint' || typeof inner.value === 'number'))
      return { op: 'literal', value: -inner.value }
    return { op: 'call', name: 'negate', target: undefined, parameters: [inner], at }
  }

  #member(): Expression {
    let of = this.#primary()
    for (;;) {
      const { at } = this.#now
      if (this.#take('.')) of = this.#selection(of, at)
      else if (this.#take('[')) {
        const optional = this.#take('?')
        of = { op: 'index', of, by: this.#expression(), optional }
        this.#need(']')
      } else if (this.#isSign('{') && dottedName(of) !== undefined) {
        this.#at++
        of = { op: 'message', type: dottedName(of)!, entries: this.#entries(() => this.#fieldName()), at }
      } else return of
    }
  }

  #selection(of: Expression, dot: number): Expression {
    const optional = this.#take('?')
    const { kind, text } = this.#now
    if (kind !== 'name') throw this.#unexpected()
    this.#at++
    const { at } = this.#now
    if (optional || !this.#take('(')) return { op: 'select', of, field: text, test: false, optional, at: dot }
    const parameters = this.#list(')').map(({ value }) => value)
    return macroOf(of, text, parameters) ?? { op: 'call', name: text, target: of, parameters, at }
  }

  #primary(): Expression {
    const token = this.#now
    const { kind, text, at } = token
    this.#at++
    if (kind === 'integer') return { op: 'literal', value: BigInt(text) }
    if (kind === 'double') return { op: 'literal', value: Number(text) }
    if (kind === 'string') return { op: 'literal', value: text }
    if (kind === 'name') return this.#named(text, at)
    if (kind === 'sign' && text === '(') {
      const inner = this.#expression()
      this.#need(')')
      return inner
    }
    if (kind === 'sign' && text === '[') return { op: 'list', items: this.#list(']') }
    if (kind === 'sign' && text === '{') return { op: 'map', entries: this.#entries(() => this.#expression()) }
    // A name from the root: there is one root only.
    if (kind === 'sign' && text === '.' && this.#now.kind === 'name') return this.#primary()
    this.#at--
    throw this.#unexpected()
  }

  #named(name: string, at: number): Expression {
    if (name === 'true' || name === 'false') return { op: 'literal', value: name === 'true' }
    if (name === 'null') return { op: 'literal', value: null }
    const paren = this.#now.at
    if (!this.#take('(')) return { op: 'name', name, at }
    const parameters = this.#list(')').map(({ value }) => value)
    if (name !== 'has') return { op: 'call', name, target: undefined, parameters, at: paren }
    const [tested] = parameters
    if (tested?.op !== 'select' || parameters.length !== 1) throw new CelError('invalid argument to has() macro', paren)
    return { ...tested, test: true }
  }

  #list(end: string): Element[] {
    const items: Element[] = []
    while (!this.#take(end)) {
      const optional = end === ']' && this.#take('?')
      items.push({ value: this.#expression(), optional })
      if (!this.#take(',') && !this.#isSign(end)) throw this.#unexpected(end)
    }
    return items
  }

  #entries(readKey: () => Expression): (Element & { key: Expression })[] {
    const entries: (Element & { key: Expression })[] = []
    while (!this.#take('}')) {
      const optional = this.#take('?')
      const key = readKey()
      this.#need(':')
      entries.push({ key, value: this.#expression(), optional })
      if (!this.#take(',') && !this.#isSign('}')) throw this.#unexpected('}')
    }
    return entries
  }

  #fieldName(): Expression {
    const { kind, text } = this.#now
    if (kind !== 'name') throw this.#unexpected()
    this.#at++
    return { op: 'literal', value: text }
  }
}

/** `Object.spec.template`; undefined for what is more than a name. */
export function dottedName(expression: Expression): string | undefined {
  if (expression.op === 'name') return expression.name
  if (expression.op !== 'select' || expression.test || expression.optional) return undefined
  const of = dottedName(expression.of)
  return of === undefined ? undefined : `${of}.${expression.field}`
}

function macroOf(of: Expression, text: string, parameters: readonly Expression[]): Expression | undefined {
  if (text === 'bind' && of.op === 'name' && of.name === 'cel' && parameters.length === 3) {
    const [variable, value, body] = parameters
    if (variable?.op !== 'name') return undefined
    return { op: 'macro', name: 'bind', of: value!, variables: [variable.name], bodies: [body!] }
  }
  const form = Object.hasOwn(MACROS, text) ? MACROS[text]!.find(({ count }) => count === parameters.length) : undefined
  if (!form) return undefined
  const variables = parameters.slice(0, form.variables).flatMap((one) => (one.op === 'name' ? [one.name] : []))
  if (variables.length < form.variables) return undefined
  return { op: 'macro', name: form.name, of, variables, bodies: parameters.slice(form.variables) }
}
