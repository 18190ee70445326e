import { expect, test } from 'vitest'
import { warningHeaders } from './respond.ts'

test('warnings become header values that any text survives', () => {
  expect(warningHeaders(['a "b"\nc', 'é', 'é'])).toEqual(['299 - "a \\"b\\" c"', '299 - "?"'])
})

test('warnings are cut short, and cut off, before a client takes the headers for broken', () => {
  const many = warningHeaders(Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(1000)}`))
  expect(many).toHaveLength(16)
  expect(many[0]).toBe(`299 - "0 ${'x'.repeat(254)}"`)
})
