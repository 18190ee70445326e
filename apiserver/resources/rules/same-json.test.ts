/** What counts as a change. */
import { expect, test } from 'vitest'
import { sameJson } from './same-json.ts'

test.each<[unknown, unknown, boolean]>([
  [{ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 }, true],
  [{ a: undefined }, {}, true],
  [{ a: null }, {}, true],
  [{ args: [] }, {}, true],
  [{ args: ['a'] }, { args: ['a', 'b'] }, false],
  [{ labels: {} }, {}, true],
  [{}, { nodeSelector: {} }, true],
  [{ labels: { a: 'b' } }, { labels: {} }, false],
  [{ emptyDir: {} }, {}, false],
  [{ namespaceSelector: {} }, {}, false],
  [{ namespaceSelector: { matchLabels: {} } }, { namespaceSelector: {} }, true],
  [{ a: 0 }, {}, false],
  [{ a: '' }, { a: 'b' }, false],
  [[], {}, false],
  [undefined, [], true],
])('%j and %j: %s', (a, b, same) => {
  expect(sameJson(a, b)).toBe(same)
  expect(sameJson(b, a)).toBe(same)
})
