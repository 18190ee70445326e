import { expect, test } from 'vitest'
import type { JsonObject } from '../json.ts'
import { checkLists } from './check-lists.ts'
import { mergeTypeOfCustomResource, mergeTypeOfModel } from './merge-type.ts'

const list = (type: string, items: JsonObject): JsonObject => ({ type: 'array', 'x-kubernetes-list-type': type, items })
const item = {
  type: 'object',
  properties: { a: { type: 'string' }, b: { type: 'integer' }, tags: list('set', { type: 'string' }) },
}
const custom = mergeTypeOfCustomResource({
  type: 'object',
  properties: {
    set: list('set', { type: 'string' }),
    pairs: { ...list('map', item), 'x-kubernetes-list-map-keys': ['a', 'b'] },
    all: list('atomic', { type: 'string' }),
  },
})
const omits =
  'associative list with keys has an element that omits all key fields ["a" "b"] (and doesn\'t have default values for any key fields)'

test.each([
  ['nothing twice', { set: ['x', 'y'], pairs: [{ a: 'x' }, { b: 1 }, { a: 'x', b: 1 }] }, []],
  ['a value twice', { set: ['x', 'x'] }, ['.set: duplicate entries for key [="x"]']],
  [
    'keys twice',
    {
      pairs: [
        { a: 'x', b: 1 },
        { b: 1, a: 'x' },
      ],
    },
    ['.pairs: duplicate entries for key [a="x",b=1]'],
  ],
  ['an atomic list', { all: ['x', 'x'] }, []],
  ['no key at all', { pairs: [{ a: 'x' }, { tags: [] }] }, [`.pairs: element 1: ${omits}`]],
  ['a map in a set', { set: [{ a: 1 }] }, [".set: element 0: associative list without keys has an element that's a map type"]],
  ['a list in a set', { set: [[]] }, ['.set: element 0: not supported: associative list with lists as elements']],
  ['a text among maps', { pairs: ['x'] }, ['.pairs: element 0: associative list with keys may not have non-map elements']],
  ['a list within an item', { pairs: [{ a: 'x', tags: ['t', 't'] }] }, ['.pairs[a="x"].tags: duplicate entries for key [="t"]']],
])('%s', (_, value, complaints) => {
  expect(checkLists(value, custom)).toEqual(complaints)
})

test('a built-in kind', () => {
  const pod = { spec: { containers: [{ name: 'c' }, { name: 'c', env: [{ name: 'e' }, { name: 'e' }] }] } }
  expect(checkLists(pod, mergeTypeOfModel('Pod'))).toEqual([
    '.spec.containers: duplicate entries for key [name="c"]',
    '.spec.containers[name="c"].env: duplicate entries for key [name="e"]',
  ])
})
