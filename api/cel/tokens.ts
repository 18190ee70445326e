/** Cuts the text of a CEL expression into tokens. */
import { CelError } from './values.ts'

export type Token =
  | { kind: 'integer' | 'double' | 'string' | 'name' | 'sign'; text: string; at: number }
  | { kind: 'end'; text: ''; at: number }

const SIGNS = /&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()[\]{}]/y
const NUMBER = /0x[0-9a-fA-F]+u?|(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+)|\d+u?/y
const NAME = /[_a-zA-Z][_a-zA-Z0-9]*/y
const SPACE = /(?:\s|\/\/[^\n]*)+/y
const STRING = /([rR]?)("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')/y
const RAW_STRING = /[rR](?:"[^"\n]*"|'[^'\n]*')/y

export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  while (at < text.length) {
    const space = take(SPACE)
    if (space) {
      at += space.length
      continue
    }
    const token = nextToken(take, at)
    if (!token) throw new CelError(`Syntax error: token recognition error at: '${text.slice(at, at + 1)}'`, at)
    const { length, ...rest } = token
    tokens.push(rest)
    at += length
  }
  return [...tokens, { kind: 'end', text: '', at }]
}

function nextToken(take: (pattern: RegExp) => string | undefined, at: number): (Token & { length: number }) | undefined {
  const string = take(RAW_STRING) ?? take(STRING)
  if (string !== undefined) return { kind: 'string', text: unquote(string), at, length: string.length }
  const name = take(NAME)
  if (name !== undefined) return { kind: 'name', text: name, at, length: name.length }
  const number = take(NUMBER)
  if (number !== undefined) {
    const isDouble = !number.startsWith('0x') && /[.eE]/.test(number)
    return { kind: isDouble ? 'double' : 'integer', text: number.replace(/u$/, ''), at, length: number.length }
  }
  const sign = take(SIGNS)
  return sign === undefined ? undefined : { kind: 'sign', text: sign, at, length: sign.length }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  '`': '`',
  '?': '?',
}

function unquote(literal: string): string {
  const raw = /^[rR]/.test(literal)
  const quoted = raw ? literal.slice(1) : literal
  const marks = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1
  const inner = quoted.slice(marks, -marks)
  if (raw) return inner
  return inner.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)/gs, (_all, code: string) => {
    if (code.length === 1) {
      const plain = ESCAPES[code]
      if (plain === undefined) throw new CelError(`Syntax error: invalid escape '\\${code}'`)
      return plain
    }
    return String.fromCodePoint(/^\d/.test(code) ? parseInt(code, 8) : parseInt(code.slice(1), 16))
  })
}
