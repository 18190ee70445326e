import { describe, expect, test } from 'vitest'
import { parseBody, parseJson } from './read-body.ts'

describe('a JSON body', () => {
  test.each([
    ['{', 'JSON'],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    [`${'['.repeat(600)}${']'.repeat(600)}`, 'exceeded max depth'],
    [`{"a":"${'['.repeat(600)}`, 'JSON'],
  ])('%.20s is refused', (text, message) => {
    expect(() => parseJson(Buffer.from(text), 'cannot read it')).toThrow(message)
  })
  test('brackets within strings are no nesting', () => {
    expect(parseJson(Buffer.from(JSON.stringify({ a: '['.repeat(1000) })), '')).toEqual({ a: '['.repeat(1000) })
  })
})

describe('what cannot be read', () => {
  test.each([
    ['json', '{"stringData":{"p":TREASURE}}'],
    ['json', 'TREASURE{'],
    ['json', '{"p":"TREASURE" "q"}'],
    ['json', '{"p":"TREASURE'],
    ['yaml', 'stringData:\n  p: "TREASURE" TREASURE: x'],
    ['yaml', 'stringData: {p: TREASURE'],
    ['yaml', 'p: @TREASURE'],
    ['yaml', 'p: "TREASURE'],
    ['yaml', '} TREASURE'],
  ] as const)('as %s is not shown: %s', async (format, text) => {
    const error: unknown = await parseBody(Buffer.from(text), format, 'x').catch((refused: unknown) => refused)
    expect(error).toMatchObject({ code: 400 })
    expect((error as Error).message).not.toContain('TREASURE')
  })
})
