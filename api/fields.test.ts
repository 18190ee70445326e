import { expect, test } from 'vitest'
import { parseFieldSelector, requiredValue } from './fields.ts'

const pod: Record<string, string> = { 'metadata.name': 'x', 'status.phase': 'Running', odd: 'a,b=c\\' }
const matches = (text: string) => parseFieldSelector(text).matches((field) => pod[field] ?? '')

test.each([
  ['', true],
  ['metadata.name=x', true],
  ['metadata.name==x', true],
  ['metadata.name!=x', false],
  ['spec.nodeName=', true],
  ['spec.nodeName!=', false],
  ['metadata.name=x,status.phase!=Pending', true],
  [String.raw`odd=a\,b\=c\\`, true],
])('%s matches: %s', (text, expected) => {
  expect(matches(text)).toBe(expected)
})

test.each([
  ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
  [String.raw`a=\x`, String.raw`invalid field selector: invalid escape sequence: \x`],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
])('%s is refused', (text, message) => {
  expect(() => parseFieldSelector(text)).toThrow(expect.objectContaining({ message }))
})

test('the value that a field must have is told', () => {
  const selector = parseFieldSelector(String.raw`odd=a\,b,metadata.name=x`)
  expect(requiredValue(selector, 'odd')).toBe('a,b')
  expect(requiredValue(selector, 'metadata.name')).toBe('x')
  expect(requiredValue(selector, 'spec.nodeName')).toBeUndefined()
})
