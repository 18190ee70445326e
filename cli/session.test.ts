import { expect, test } from 'vitest'
import { parseRequestTimeout } from './session.ts'

test.each([
  ['30', 30_000],
  ['1m30s', 90_000],
  ['0', 0],
  ['-1s', 0],
  ['1000h', 2 ** 31 - 1],
])('a request may take %s', (text, ms) => {
  expect(parseRequestTimeout(text)).toBe(ms)
})

test('a time that nobody can read is refused', () => {
  expect(() => parseRequestTimeout('soon')).toThrow('Invalid timeout value. Timeout must be a single integer in seconds')
})
