import { expect, test } from 'vitest'
import { compileCel, fromJson } from './compile.ts'

const self = {
  name: 'web',
  replicas: 3,
  ratio: 0.5,
  tags: ['a', 'b'],
  labels: { app: 'x', 'with-dash': 'y' },
  list: [
    { k: 'one', n: 1 },
    { k: 'two', n: 2 },
  ],
}

test.each<[string, unknown]>([
  ['1 + 2 * 3 == 7', true],
  ['7 / 2', 3n],
  ['-7 / 2', -3n],
  ['7.0 / 2.0', 3.5],
  ['-7 % 3', -1n],
  ['1 == 1.0', true],
  ["'a' + \"b\" + r'\\d'", 'ab\\d'],
  ['"\\u00e9\\n"', 'é\n'],
  ['self.replicas >= 3 && self.name.startsWith("w")', true],
  ['has(self.missing)', false],
  ['has(self.name) ? self.name : "none"', 'web'],
  ['"a" in self.tags', true],
  ['"app" in self.labels', true],
  ['self.labels["with-dash"]', 'y'],
  ['self.tags[1]', 'b'],
  ['self.list.all(x, x.n > 0)', true],
  ['self.list.exists(x, x.k == "two")', true],
  ['self.list.exists_one(x, x.n > 0)', false],
  ['self.list.map(x, x.n)', [1n, 2n]],
  ['self.list.map(x, x.n > 1, x.k)', ['two']],
  ['self.list.filter(x, self.tags.exists(t, x.n > 1)).size()', 1n],
  ['self.labels.all(k, self.labels[k].size() == 1)', true],
  ['size("🎈a")', 2n],
  ['"a-b".matches("^[a-z]-")', true],
  ['"a,b,c".split(",", 2)', ['a', 'b,c']],
  ['["b", "a"].join("-").upperAscii()', 'B-A'],
  ['"abc".substring(1, 2)', 'b'],
  ['"aXbX".replace("X", "y", 1)', 'aybX'],
  ['[1, 3, 2].max() + [1, 2].sum()', 6n],
  ['[1, 2].isSorted()', true],
  ['duration("1h30m").getMinutes()', 90n],
  ['timestamp("2026-01-02T03:04:05Z") - timestamp("2026-01-01T03:04:05Z") == duration("24h")', true],
  ['type(1) == int && type("") == string', true],
  ['{"a": 1}.a', 1n],
  ['self.missing == 1 || true', true],
  ['true || self.missing == 1', true],
  ['int("12") + 1', 13n],
  ['!(1 in [2])', true],
])('%s', (text, expected) => {
  expect(compileCel(text, ['self']).evaluate({ self: fromJson(self) })).toEqual(expected)
})

test.each([
  ['self.missing', 'no such key: missing'],
  ['1 / 0', 'division by zero'],
  ['1 + "a"', 'no such overload'],
  ['9223372036854775807 + 1', 'integer overflow'],
  ['self.tags[5]', 'index out of bounds: 5'],
  ['self.missing && true', 'no such key: missing'],
  [
    '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a+b+c+d+e+f > 0))))))',
    'operation cancelled: actual cost limit exceeded',
  ],
])('%s fails: %s', (text, message) => {
  expect(() => compileCel(text, ['self']).evaluate({ self: fromJson(self) })).toThrow(message)
})

test.each([
  ['self.', 'Syntax error'],
  ['1 +', 'Syntax error'],
  ['other.x', "undeclared reference to 'other' (in container '')"],
  ['self.name.explode()', "undeclared reference to 'explode' (in container '')"],
  ['constructor()', "undeclared reference to 'constructor' (in container '')"],
  ['"a', 'Syntax error: token recognition error'],
])('%s is no expression: %s', (text, message) => {
  expect(() => compileCel(text, ['self'])).toThrow(message)
})

test('a program knows which variables it names', () => {
  expect([...compileCel('self.a == oldSelf.a', ['self', 'oldSelf']).uses]).toEqual(['self', 'oldSelf'])
})
