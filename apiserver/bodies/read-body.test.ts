import { describe, expect, test } from 'vitest'
import { parseJson } from './read-body.ts'

describe('a JSON body', () => {
  test.each([
    ['{', 'JSON'],
    ['[1,]', 'JSON'],
    [`${'['.repeat(600)}${']'.repeat(600)}`, 'exceeded max depth'],
    [`{"a":"${'['.repeat(600)}`, 'JSON'],
  ])('%.20s is refused', (text, message) => {
    expect(() => parseJson(Buffer.from(text), 'cannot read it')).toThrow(message)
  })
  test('brackets within strings are no nesting', () => {
    expect(parseJson(Buffer.from(JSON.stringify({ a: '['.repeat(1000) })), '')).toEqual({ a: '['.repeat(1000) })
  })
})
