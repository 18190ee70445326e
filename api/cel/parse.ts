/** Parses CEL: precedence climbing over tokens, with the macros taken for what they are. */
import type { Expression, MacroName } from './expression.ts'
import { tokenize, type Token } from './tokens.ts'
import { CelError } from './values.ts'

/** Throws a CelError. */
export function parse(text: string): Expression {
  return new Parser(tokenize(text)).parse()
}

const BINARY: readonly (readonly string[])[] = [
  ['<', '<=', '>', '>=', '==', '!=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
]
const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])
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
    const { kind, text } = this.#now
    const found = kind === 'end' ? '<EOF>' : text
    return new CelError(`Syntax error: mismatched input '${found}'${wanted ? ` expecting '${wanted}'` : ''}`)
  }

  #expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw new CelError('expression recursion limit exceeded: 200')
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
      if (this.#take('.')) of = this.#selection(of)
      else if (this.#take('[')) {
        of = { op: 'index', of, by: this.#expression() }
        this.#need(']')
      } else return of
    }
  }

  #selection(of: Expression): Expression {
    const { kind, text, at } = this.#now
    if (kind !== 'name') throw this.#unexpected()
    this.#at++
    if (!this.#take('(')) return { op: 'select', of, field: text, test: false }
    const parameters = this.#list(')')
    const [variable, ...bodies] = parameters
    const isMacro =
      MACROS.has(text) && variable?.op === 'name' && (bodies.length === 1 || (text === 'map' && bodies.length === 2))
    if (isMacro) return { op: 'macro', name: text as MacroName, of, variable: variable.name, bodies }
    return { op: 'call', name: text, target: of, parameters, at }
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
    if (kind === 'sign' && text === '{') return { op: 'map', entries: this.#entries() }
    this.#at--
    throw this.#unexpected()
  }

  #named(name: string, at: number): Expression {
    if (name === 'true' || name === 'false') return { op: 'literal', value: name === 'true' }
    if (name === 'null') return { op: 'literal', value: null }
    if (!this.#take('(')) return { op: 'name', name, at }
    const parameters = this.#list(')')
    if (name !== 'has') return { op: 'call', name, target: undefined, parameters, at }
    const [tested] = parameters
    if (tested?.op !== 'select' || parameters.length !== 1) throw new CelError('invalid argument to has() macro')
    return { ...tested, test: true }
  }

  #list(end: string): Expression[] {
    const items: Expression[] = []
    while (!this.#take(end)) {
      items.push(this.#expression())
      if (!this.#take(',') && !this.#isSign(end)) throw this.#unexpected(end)
    }
    return items
  }

  #entries(): [Expression, Expression][] {
    const entries: [Expression, Expression][] = []
    while (!this.#take('}')) {
      const key = this.#expression()
      this.#need(':')
      entries.push([key, this.#expression()])
      if (!this.#take(',') && !this.#isSign('}')) throw this.#unexpected('}')
    }
    return entries
  }
}
