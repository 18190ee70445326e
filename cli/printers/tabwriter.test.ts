import { expect, test } from 'vitest'
import { alignTabs } from './tabwriter.ts'

test('columns are as wide as their cells in neighbouring lines', () => {
  expect(alignTabs('Name:\tweb\nNamespace:\tdefault')).toBe('Name:       web\nNamespace:  default')
})

test('a line without the column ends the block', () => {
  expect(alignTabs('a\tb\nlonger than that\nc\td')).toBe('a  b\nlonger than that\nc  d')
})

test('what follows the last tab is not padded', () => {
  expect(alignTabs('NAME\tREADY\tAGE\nx\t1/1\t5m', { minimumWidth: 6, padding: 3 })).toBe('NAME   READY   AGE\nx      1/1     5m')
})

test('an empty column still has its padding', () => {
  expect(alignTabs('a\t\tb\nc\t\td')).toBe('a    b\nc    d')
})
