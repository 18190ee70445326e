/** JSONPath templates as kubectl reads them: `{range .items[*]}{.metadata.name}{"\n"}{end}`. */
import { deepEqual, isJsonObject, memberOf, type Json } from './json.ts'

export class JsonPathError extends Error {
  override readonly name = 'JsonPathError'
}

export interface JsonPathTemplate {
  /** Values that the template's first expression finds. */
  find(data: Json): Json[]
  /** Text and found values; several values of one expression are parted by spaces. */
  render(data: Json): string
}

type Step =
  | { do: 'field'; name: string }
  | { do: 'wildcard' }
  | { do: 'recursive' }
  | { do: 'slice'; start: number | undefined; end: number | undefined; step: number }
  | { do: 'index'; at: number }
  | { do: 'union'; paths: Step[][] }
  | { do: 'filter'; left: Operand; operator: Operator; right: Operand | undefined }
  | { do: 'root' }

type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'exists'
type Operand = { literal: Json } | { path: Step[] }
type Part = { text: string } | { path: Step[] } | { range: Step[]; body: Part[] }

/** Throws a JsonPathError where kubectl says `error parsing jsonpath`. */
export function parseJsonPath(template: string, { allowMissingKeys = true } = {}): JsonPathTemplate {
  const parts = new TemplateParser(template).parse()
  const evaluator = new Evaluator(allowMissingKeys)
  return {
    find: (data) => evaluator.walk(firstPath(parts), [data], data),
    render: (data) => evaluator.render(parts, data, data),
  }
}

/** `metadata.name`, `.metadata.name`, `{metadata.name}` and `{.metadata.name}` are one: what columns and conditions are given as. */
export function relaxedExpression(text: string): string {
  if (text === '') return text
  const match = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(text)
  if (!match) {
    throw new JsonPathError(
      `unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`,
    )
  }
  const path = match[1] ?? match[2]!
  return `{${path.startsWith('[') || path.startsWith('$') || path.startsWith('@') ? '' : '.'}${path}}`
}

const firstPath = (list: Part[]): Step[] =>
  list.flatMap((part) => ('path' in part ? [part.path] : 'range' in part ? [part.range] : []))[0] ?? []

class TemplateParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): Part[] {
    const parts = this.#parts(false)
    return parts
  }

  #parts(inRange: boolean): Part[] {
    const parts: Part[] = []
    while (this.#at < this.#text.length) {
      const open = this.#text.indexOf('{', this.#at)
      const end = open < 0 ? this.#text.length : open
      if (end > this.#at) parts.push({ text: this.#text.slice(this.#at, end) })
      if (open < 0) {
        this.#at = end
        break
      }
      this.#at = open + 1
      const action = this.#action().trim()
      if (action === 'end') {
        if (!inRange) throw new JsonPathError('not in range, nothing to end')
        return parts
      }
      parts.push(this.#part(action))
    }
    if (inRange) throw new JsonPathError('unterminated range')
    return parts
  }

  #part(action: string): Part {
    const range = /^range\s+(.*)$/s.exec(action)
    if (range) return { range: parsePath(range[1]!), body: this.#parts(true) }
    const literal = parseLiteral(action)
    if (literal !== undefined) return { text: print(literal) }
    return { path: parsePath(action) }
  }

  /** The text up to the brace that closes the action; braces in quotes do not count. */
  #action(): string {
    const start = this.#at
    let quote = ''
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]!
      if (quote) {
        if (character === '\\') this.#at++
        else if (character === quote) quote = ''
      } else if (character === '"' || character === "'") {
        quote = character
      } else if (character === '}') {
        return this.#text.slice(start, this.#at++)
      }
    }
    throw new JsonPathError(quote ? 'unterminated quoted string' : 'unclosed action')
  }
}

/** `"text"`, `'text'`, a number or a truth value. */
function parseLiteral(text: string): string | number | boolean | undefined {
  const quote = text[0]
  if ((quote === '"' || quote === "'") && text.length > 1 && text.endsWith(quote)) return unquote(text.slice(1, -1))
  if (/^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  return undefined
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', a: '\x07' }

const unquote = (text: string) => text.replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character)

function parsePath(text: string): Step[] {
  const steps: Step[] = []
  let at = 0
  while (at < text.length) {
    const character = text[at]!
    if (character === '[') {
      const end = closingBracket(text, at)
      steps.push(...parseBrackets(text.slice(at + 1, end)))
      at = end + 1
    } else if (text.startsWith('..', at)) {
      steps.push({ do: 'recursive' })
      // The dot that stays begins the field to look for.
      at += text[at + 2] === undefined || text[at + 2] === '[' ? 2 : 1
    } else if (character === '.') {
      const field = /^(?:\\.|[^.[\]\s{}()\\])+/s.exec(text.slice(at + 1))?.[0] ?? ''
      if (field === '*') steps.push({ do: 'wildcard' })
      else if (field !== '') steps.push({ do: 'field', name: field.replace(/\\(.)/gs, '$1') })
      at += 1 + field.length
    } else if (character === '$') {
      steps.push({ do: 'root' })
      at++
    } else if (character === '@' || character === ' ') {
      at++
    } else {
      throw new JsonPathError(
        `unrecognized character in action: U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')} '${character}'`,
      )
    }
  }
  return steps
}

function closingBracket(text: string, open: number): number {
  let depth = 0
  let quote = ''
  for (let at = open; at < text.length; at++) {
    const character = text[at]!
    if (quote) {
      if (character === '\\') at++
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if (character === '[') depth++
    else if (character === ']' && --depth === 0) return at
  }
  throw new JsonPathError('unterminated array')
}

function parseBrackets(inside: string): Step[] {
  const text = inside.trim()
  if (text === '*') return [{ do: 'wildcard' }]
  if (text.startsWith('?')) return [parseFilter(text)]
  const items = splitOutsideQuotes(text)
  if (items.length > 1) return [{ do: 'union', paths: items.map((item) => parseBrackets(item)) }]
  const quoted = /^'([^']*)'$/.exec(text) ?? /^"([^"]*)"$/.exec(text)
  // Upstream reads a quoted key as a path: dots in it must be escaped here as well.
  if (quoted) return parsePath(`.${quoted[1]}`)
  if (/^[-+]?\d+$/.test(text)) return [{ do: 'index', at: Number(text) }]
  const slice = /^([-+]?\d*)(:[-+]?\d*)?(:[-+]?\d*)?$/.exec(text)
  if (!slice?.[2]) throw new JsonPathError(`invalid array index ${text}`)
  return [{ do: 'slice', start: bound(slice[1]), end: bound(slice[2]), step: bound(slice[3]) ?? 1 }]
}

const bound = (value: string | undefined): number | undefined =>
  value === undefined || value === '' || value === ':' ? undefined : Number(value.replace(':', ''))

function splitOutsideQuotes(text: string): string[] {
  return text.match(/(?:'[^']*'|"[^"]*"|[^,'"])+/g)?.map((item) => item.trim()) ?? ['']
}

function parseFilter(text: string): Step {
  const inside = /^\?\((.*)\)$/s.exec(text)?.[1]
  if (inside === undefined) throw new JsonPathError('unterminated filter')
  const match = /^((?:'(?:\\.|[^'])*'|"(?:\\.|[^"])*"|[^=!<>'"])*?)(==|!=|<=|>=|<|>)(.*)$/s.exec(inside)
  if (!match) return { do: 'filter', left: parseOperand(inside), operator: 'exists', right: undefined }
  return { do: 'filter', left: parseOperand(match[1]!), operator: match[2] as Operator, right: parseOperand(match[3]!) }
}

function parseOperand(text: string): Operand {
  const literal = parseLiteral(text.trim())
  return literal === undefined ? { path: parsePath(text.trim()) } : { literal }
}

class Evaluator {
  readonly #allowMissingKeys: boolean

  constructor(allowMissingKeys: boolean) {
    this.#allowMissingKeys = allowMissingKeys
  }

  render(parts: readonly Part[], data: Json, root: Json): string {
    let text = ''
    for (const part of parts) {
      if ('text' in part) text += part.text
      else if ('path' in part) text += this.walk(part.path, [data], root).map(print).join(' ')
      else for (const item of this.walk(part.range, [data], root)) text += this.render(part.body, item, root)
    }
    return text
  }

  walk(steps: readonly Step[], values: Json[], root: Json): Json[] {
    return steps.reduce((found, step) => this.#step(step, found, root), values)
  }

  #step(step: Step, values: Json[], root: Json): Json[] {
    switch (step.do) {
      case 'root':
        return [root]
      case 'field':
        return this.#fields(step.name, values)
      case 'wildcard':
        return values.flatMap(childrenOf)
      case 'recursive':
        return values.flatMap(descendantsOf)
      case 'index':
        return values.flatMap((value) => (value === null ? [] : [itemAt(listIn(value), step.at)]))
      case 'slice':
        return values.flatMap((value) => (value === null ? [] : sliceOf(listIn(value), step)))
      case 'union':
        return step.paths.flatMap((path) => this.walk(path, values, root))
      case 'filter':
        return values.flatMap((value) => filterable(value).filter((item) => this.#passes(step, item, root)))
    }
  }

  #fields(name: string, values: Json[]): Json[] {
    const found = values.flatMap((value) => {
      const member = isJsonObject(value) ? memberOf(value, name) : undefined
      return member === undefined ? [] : [member]
    })
    if (found.length === 0 && values.length > 0 && !this.#allowMissingKeys) throw new JsonPathError(`${name} is not found`)
    return found
  }

  #passes({ left, operator, right }: Step & { do: 'filter' }, item: Json, root: Json): boolean {
    const quiet = new Evaluator(true)
    const valuesOf = (operand: Operand): Json[] =>
      'literal' in operand ? [operand.literal] : quiet.walk(operand.path, [item], root)
    const [a, more] = valuesOf(left)
    if (more !== undefined) throw new JsonPathError('can only compare one element at a time')
    if (operator === 'exists') return a !== undefined
    const [b] = valuesOf(right!)
    return a !== undefined && b !== undefined && compare(a, b, operator)
  }
}

function compare(a: Json, b: Json, operator: Operator): boolean {
  if (operator === '==') return deepEqual(a, b)
  if (operator === '!=') return !deepEqual(a, b)
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) {
    throw new JsonPathError(`unrecognized filter operator ${operator} for ${typeof a} and ${typeof b}`)
  }
  const [x, y] = [a, b as typeof a]
  return operator === '<' ? x < y : operator === '<=' ? x <= y : operator === '>' ? x > y : x >= y
}

const childrenOf = (value: Json): Json[] => (Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [])

const descendantsOf = (value: Json): Json[] => [
  value,
  ...childrenOf(value).flatMap((child) => (typeof child === 'object' ? descendantsOf(child) : [])),
]

/** What filters look through: the items of a list, the members of a map. */
const filterable = childrenOf

function listIn(value: Json): Json[] {
  if (!Array.isArray(value)) throw new JsonPathError(`${print(value)} is not array or slice`)
  return value
}

function itemAt(list: Json[], at: number): Json {
  const item = list.at(at)
  if (item === undefined) throw new JsonPathError(`array index out of bounds: index ${at}, length ${list.length}`)
  return item
}

function sliceOf(list: Json[], { start = 0, end, step }: Step & { do: 'slice' }): Json[] {
  if (step <= 0) throw new JsonPathError('step must be > 0')
  return list.slice(start, end).filter((_, index) => index % step === 0)
}

function print(value: Json): string {
  if (typeof value === 'string') return value
  return value === null ? '' : JSON.stringify(value)
}
