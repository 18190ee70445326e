import { expect, test } from 'vitest'
import { generateName } from './generate-name.ts'

test('generated names keep their base and end in five letters of the safe alphabet', () => {
  expect(generateName('web-')).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  expect(generateName('x'.repeat(80))).toHaveLength(63)
})
