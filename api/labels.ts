/** Label selectors: parsed from the string that kubectl sends, or made from a LabelSelector object; matched; printed. */
import type { LabelSelector } from './generated/types.ts'
import { isQualifiedName, isValidLabelValue } from './names.ts'

export type Labels = Readonly<Record<string, string>> | undefined

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

export interface LabelRequirement {
  key: string
  operator: LabelOperator
  /** Sorted and distinct. Empty for `exists` and `!`. */
  values: readonly string[]
}

/** All requirements hold together; none at all matches everything. */
export interface Selector {
  readonly requirements: readonly LabelRequirement[]
  matches(labels: Labels): boolean
}

/** A selector that cannot be read. The API server answers 400 with this message; `invalid` is for field errors. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
}

type TokenType = 'identifier' | 'in' | 'notin' | 'end' | 'error' | ')' | ',' | '!' | '==' | '=' | '>' | '<' | '!=' | '('

interface Token {
  type: TokenType
  text: string
}

const SYMBOLS: ReadonlySet<string> = new Set<TokenType>([')', ',', '!', '==', '=', '>', '<', '!=', '('])
const isSymbol = (character: string) => '=!(),><'.includes(character)
const isSpace = (character: string) => ' \t\r\n'.includes(character)

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const start = at
    if (isSpace(text[at]!)) {
      at++
    } else if (isSymbol(text[at]!)) {
      const two = text.slice(at, at + 2)
      const symbol = SYMBOLS.has(two) ? two : text[at]!
      at += symbol.length
      tokens.push({ type: symbol as TokenType, text: symbol })
    } else {
      while (at < text.length && !isSymbol(text[at]!) && !isSpace(text[at]!)) at++
      const word = text.slice(start, at)
      tokens.push({ type: word === 'in' || word === 'notin' ? word : 'identifier', text: word })
    }
  }
  tokens.push({ type: 'end', text: '' })
  return tokens
}

const OPERATORS: Partial<Record<TokenType, LabelOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
}

class Parser {
  readonly #tokens: Token[]
  #position = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = []
    for (;;) {
      const { type, text } = this.#peek()
      if (type === 'end') return requirements
      if (type !== 'identifier' && type !== '!') fail(`found '${text}', expected: !, identifier, or 'end of string'`)
      requirements.push(this.#requirement())
      const next = this.#take()
      if (next.type === 'end') return requirements
      if (next.type !== ',') fail(`found '${next.text}', expected: ',' or 'end of string'`)
      const after = this.#peek()
      if (after.type !== 'identifier' && after.type !== '!') fail(`found '${after.text}', expected: identifier after ','`)
    }
  }

  /** `in` and `notin` are values too, wherever an operator cannot stand. */
  #peek(): Token {
    const token = this.#tokens[Math.min(this.#position, this.#tokens.length - 1)]!
    return token.type === 'in' || token.type === 'notin' ? { type: 'identifier', text: token.text } : token
  }

  #take(): Token {
    const token = this.#peek()
    this.#position++
    return token
  }

  #requirement(): LabelRequirement {
    let token = this.#take()
    const absent = token.type === '!'
    if (absent) token = this.#take()
    if (token.type !== 'identifier') requirementFails(`found '${token.text}', expected: identifier`)
    const key = token.text
    checkKey(key, '<nil>')
    if (absent) return { key, operator: '!', values: [] }
    const { type } = this.#peek()
    if (type === 'end' || type === ',') return { key, operator: 'exists', values: [] }

    const operatorToken = this.#tokens[this.#position++]!
    const operator = OPERATORS[operatorToken.type]
    if (!operator) requirementFails(`found '${operatorToken.text}', expected: in, notin, =, ==, !=, gt, lt`)
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()]
    return createRequirement(key, operator, values)
  }

  #values(): string[] {
    const open = this.#take()
    if (open.type !== '(') requirementFails(`found '${open.text}' expected: '('`)
    const { type, text } = this.#peek()
    if (type === ')') {
      this.#take()
      return ['']
    }
    if (type !== 'identifier' && type !== ',') requirementFails(`found '${text}', expected: ',', ')' or identifier`)
    const values = this.#list()
    this.#take()
    return values
  }

  /** Comma-separated values, each of which may be empty, up to the closing parenthesis. */
  #list(): string[] {
    const values: string[] = []
    for (;;) {
      const { type, text } = this.#take()
      if (type === 'identifier') {
        values.push(text)
        const next = this.#peek()
        if (next.type === ')') return values
        if (next.type !== ',') requirementFails(`found '${next.text}', expected: ',' or ')'`)
      } else if (type === ',') {
        if (values.length === 0) values.push('')
        const next = this.#peek()
        if (next.type === ')') return [...values, '']
        if (next.type === ',') {
          this.#take()
          values.push('')
        }
      } else {
        requirementFails(`found '${text}', expected: ',', or identifier`)
      }
    }
  }

  #exactValue(): string {
    const { type } = this.#peek()
    if (type === 'end' || type === ',') return ''
    const token = this.#take()
    if (token.type !== 'identifier') requirementFails(`found '${token.text}', expected: identifier`)
    return token.text
  }
}

function fail(message: string): never {
  throw new SelectorError(message)
}

const requirementFails: (message: string) => never = (message) => fail(`unable to parse requirement: ${message}`)

function checkKey(key: string, path: string): void {
  const complaints = isQualifiedName(key)
  // A nil field path prints as `<nil>`; clients have come to know it.
  if (complaints.length > 0) requirementFails(`${path}: Invalid value: ${JSON.stringify(key)}: ${complaints.join('; ')}`)
}

function createRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  if ((operator === 'gt' || operator === 'lt') && !/^[-+]?\d+$/.test(values[0] ?? '')) {
    requirementFails(
      `values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
    )
  }
  values.forEach((value, index) => {
    const complaints = isValidLabelValue(value)
    if (complaints.length === 0) return
    requirementFails(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${complaints.join('; ')}`)
  })
  return { key, operator, values: [...new Set(values)].sort() }
}

/** Reads `a=b,c in (d,e),!f`. Throws a SelectorError in upstream's words. */
export function parseLabelSelector(text: string): Selector {
  return createSelector(new Parser(text).parse())
}

export function createSelector(requirements: readonly LabelRequirement[]): Selector {
  const sorted =
    requirements.length > 1 ? requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)) : requirements
  return { requirements: sorted, matches: matcherOf(sorted) }
}

const NO_LABELS: Readonly<Record<string, string>> = {}

function matcherOf(requirements: readonly LabelRequirement[]): Selector['matches'] {
  if (requirements.length === 0) return () => true
  const tests = requirements.map(testOf)
  if (tests.length === 1) {
    const [only] = tests
    return (labels) => only!(labels ?? NO_LABELS)
  }
  return (labels = NO_LABELS) => tests.every((test) => test(labels))
}

type Test = (labels: Readonly<Record<string, string>>) => boolean

function testOf({ key, operator, values }: LabelRequirement): Test {
  const has: Test = (labels) => Object.hasOwn(labels, key)
  const only = values[0]
  switch (operator) {
    case '=':
    case '==':
      return (labels) => labels[key] === only && has(labels)
    case '!=':
      return (labels) => labels[key] !== only || !has(labels)
    case 'in':
      return (labels) => has(labels) && values.includes(labels[key]!)
    case 'notin':
      return (labels) => !has(labels) || !values.includes(labels[key]!)
    case 'exists':
      return has
    case '!':
      return (labels) => !has(labels)
    case 'gt':
    case 'lt': {
      const bound = BigInt(only!)
      return (labels) => {
        if (!has(labels) || !/^[-+]?\d+$/.test(labels[key]!)) return false
        const value = BigInt(labels[key]!)
        return operator === 'gt' ? value > bound : value < bound
      }
    }
  }
}

/** The string form, as `kubectl` prints selectors and sends them. */
export const selectorToString = ({ requirements }: Selector): string => requirements.map(requirementToString).join(',')

function requirementToString({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`
    case 'gt':
      return `${key}>${values[0]}`
    case 'lt':
      return `${key}<${values[0]}`
    default:
      return `${key}${operator}${values[0]}`
  }
}

export const EVERYTHING: Selector = { requirements: [], matches: () => true }
export const NOTHING: Selector = { requirements: [], matches: () => false }

const OBJECT_OPERATORS: Record<string, LabelOperator> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/**
 * The selector that a LabelSelector object means: absent matches nothing, empty matches everything.
 * Throws a SelectorError on an operator that does not exist; validation refuses those before they are stored.
 */
export function toSelector(selector: LabelSelector | undefined): Selector {
  if (!selector) return NOTHING
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }))
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = OBJECT_OPERATORS[operator]
    if (!known) throw new SelectorError(`"${operator}" is not a valid label selector operator`)
    requirements.push({ key, operator: known, values: [...new Set(values)].sort() })
  }
  return createSelector(requirements)
}

/** `a=b,c=d` of a plain map: services and replication controllers select by these. An absent map matches nothing. */
export const selectorFromSet = (set: Labels): Selector => (set ? toSelector({ matchLabels: set }) : NOTHING)

/** As kubectl shows a LabelSelector: `app=web,tier in (a,b)`, `<none>` when it is empty or absent. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  return (selector && selectorToString(toSelector(selector))) || '<none>'
}
