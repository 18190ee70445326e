import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as q from './quantity.ts'

test.each([
  ['0', '0'],
  ['0.5', '500m'],
  ['1', '1'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['1.5', '1500m'],
  ['100000', '100k'],
  ['10500', '10500'],
  ['1024Mi', '1Gi'],
  ['1.5Gi', '1536Mi'],
  ['0.5Ki', '512'],
  ['1.1Ki', '1126400m'],
  ['1e3', '1e3'],
  ['12E', '12E'],
  ['1E2', '100'],
  ['-0.1', '-100m'],
  ['+5', '5'],
  ['.5', '500m'],
  ['5.', '5'],
  ['1n', '1n'],
  ['0.0000000001', '1n'],
  ['0Gi', '0'],
  ['1e30', '1e30'],
  ['99Ei', '9223372036854775807'],
  ['1023Ki', '1023Ki'],
])('%s is %s', (text, canonical) => {
  expect(q.canonicalQuantity(text)).toBe(canonical)
})

describe('what is no quantity is refused in upstream’s words', () => {
  const pattern = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  test.each([
    ['', 'EOF'],
    ['abc', pattern],
    ['1 Gi', pattern],
    ['.', pattern],
    ['1Zi', pattern],
    ['1KKi', "unable to parse quantity's suffix"],
    ['1mm', "unable to parse quantity's suffix"],
  ])('%o', (text, message) => {
    expect(() => q.parseQuantity(text)).toThrow(expect.objectContaining({ message }))
  })
})

test('values round up', () => {
  expect(q.quantityValue('1100m')).toBe(2)
  expect(q.quantityMilliValue('100u')).toBe(1)
  expect(q.quantityMilliValue('2')).toBe(2000)
  expect(q.quantityValue('1Gi')).toBe(2 ** 30)
})

test('lists add up and keep the format of the first', () => {
  expect(q.addResourceLists({ cpu: '250m', memory: '64Mi' }, { cpu: '0.75', memory: '64M' }, undefined)).toEqual({
    cpu: '1',
    memory: '128036Ki',
  })
})

test('the canonical form reads back as the same value, and is canonical already', () => {
  const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e2', 'e-3')
  fc.assert(
    fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.nat(999), suffix, (whole, fraction, unit) => {
      const quantity = q.parseQuantity(`${whole}.${fraction}${unit}`)
      const canonical = q.quantityToString(quantity)
      expect(q.compareQuantity(q.parseQuantity(canonical), quantity)).toBe(0)
      expect(q.canonicalQuantity(canonical)).toBe(canonical)
    }),
  )
})

test('subtracting what was added gives the same value back', () => {
  const value = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map((nano): q.Quantity => ({ nano, format: 'DecimalSI' }))
  fc.assert(fc.property(value, value, (a, b) => q.compareQuantity(q.subtractQuantity(q.addQuantity(a, b), b), a) === 0))
})
