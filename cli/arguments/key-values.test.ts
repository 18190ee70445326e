import { expect, test } from 'vitest'
import { parseEnvFile } from './key-values.ts'

test('an environment file is lines of NAME=value; empty ones and comments are passed over', () => {
  expect(parseEnvFile('# comment\nA=1\n\n  B=x=y\n')).toEqual([
    ['A', '1'],
    ['B', 'x=y'],
  ])
})
