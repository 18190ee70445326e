import { describe, expect, test } from 'vitest'
import { parse } from '../../../api/cel/parse.ts'
import type { JSONSchemaProps } from '../../../api/generated/types.ts'
import { declaredType } from './declared-type.ts'
import { estimateCost } from './estimate.ts'

type Schema = JSONSchemaProps

const FORMATS = new Set(['duration', 'date', 'date-time', 'byte'])
const of = (type: string): Schema => {
  if (type === 'int-or-string') return { 'x-kubernetes-int-or-string': true }
  return FORMATS.has(type) ? { type: 'string', format: type } : { type }
}
const list = (items: Schema, maxItems?: number): Schema => ({ type: 'array', items, ...(maxItems !== undefined && { maxItems }) })
const map = (additionalProperties: Schema, maxProperties?: number): Schema => ({
  type: 'object',
  additionalProperties,
  ...(maxProperties !== undefined && { maxProperties }),
})
const text = (maxLength?: number): Schema => ({ type: 'string', ...(maxLength !== undefined && { maxLength }) })
const object: Schema = { type: 'object', required: ['required'], properties: { required: text(), optional: text() } }
const listOf = (type: string) => (most?: number) => list(of(type), most)
const mapOf = (type: string) => (most?: number) => map(of(type), most)
const objects = (most?: number) => list(object, most)
const texts = (most?: number) => list(text(most), most)
const nested = (most?: number) => list(map({ ...object, ...(most !== undefined && { maxProperties: most }) }, most), most)
const members = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })

const costOf = (rule: string, schema: Schema) => estimateCost(parse(rule), declaredType(schema, false)!)

/** Every number here is one that upstream's checker comes to. */
describe('a rule costs at most', () => {
  test.each<[rule: string, schema: (most?: number) => Schema, unbounded: number, most: number, bounded: number]>([
    ['self.all(x, true)', listOf('number'), 4718591, 10, 32],
    ['self.all(x, true)', listOf('string'), 3145727, 20, 62],
    ['self.all(x, true)', listOf('boolean'), 1887437, 5, 17],
    ['self.all(x, true)', (most) => list(list(of('number')), most), 3145727, 100, 302],
    ['self.all(x, true)', objects, 555128, 50, 152],
    ['self.all(x, true)', mapOf('number'), 1348169, 10, 32],
    ['self.all(x, true)', mapOf('string'), 1179647, 3, 11],
    ['self.all(x, true)', mapOf('boolean'), 943718, 100, 302],
    ["self.contains('test')", text, 314574, 10, 5],
    ["self.startsWith('test')", text, 2, 15, 2],
    ["self.endsWith('test')", text, 2, 30, 2],
    ['size(self + "hello") > size("hello")', text, 314578, 4, 7],
    ['self[1] == 0.0', listOf('number'), 2, 5000, 2],
    ['self[1] == self[1]', listOf('string'), 314577, 8, 314577],
    ['self.matches("x")', text, 314574, 50, 22],
    ['"".matches("(((((((((())))))))))[0-9]")', text, 7, 10, 7],
    ['self.matches("")', text, 1, 100, 1],
    ['self.all(x, x.contains(self[x]))', (most) => map(text(most), most), 2752507, 10, 72],
    ['self[3] == 0.0', listOf('number'), 2, 0, 2],
    ['self["x"] == 0.0', mapOf('number'), 2, 0, 2],
    ['self == "x"', text, 2, 0, 1],
    ['self.all(x, x == 0.0)', listOf('number'), 6291454, 6291456, 25165826],
    ['self.all(x, x["y"].required == "z")', nested, 7340027, 10, 72],
    ['self.all(x, true)', listOf('int-or-string'), 4718591, 10, 32],
    ['self[0] == 5', listOf('int-or-string'), 3, 10, 3],
    ['self[0] == false', listOf('boolean'), 2, 25, 2],
    ['self[0] == null', objects, 2, 422, 2],
    ['self[0][0] == -1.0', (most) => list(list(of('number')), most), 3, 51, 3],
    ['self.all(x, x.y == 25.2)', (most) => list(map(of('number')), most), 6291452, 12, 74],
    ['self[0].x > 2.0', (most) => list(map(of('number')), most), 4, 3000, 4],
    ['self.all(x, true)', listOf('duration'), 2359295, 5, 17],
    ['self[0].getHours() == 2', listOf('duration'), 4, 525, 4],
    ['self.all(x, true)', listOf('date'), 725936, 15, 47],
    ['self[2].getDayOfMonth() == 13', listOf('date'), 4, 42, 4],
    ['self.all(x, true)', listOf('date-time'), 428963, 25, 77],
    ['self.all(x, true)', mapOf('int-or-string'), 1348169, 15, 47],
    ['self.all(x, true)', (most) => map(object, most), 428963, 20, 62],
    ['self.all(x, true)', (most) => map(map(of('number')), most), 1179647, 10, 32],
    ['self.all(x, true)', (most) => map(list(of('number')), most), 1179647, 25, 77],
    ['self.all(x, true)', mapOf('duration'), 1048577, 5, 17],
    ['self.all(x, true)', mapOf('date'), 524288, 10, 32],
    ['self.all(x, true)', mapOf('date-time'), 349526, 25, 77],
    ["self.find('[0-9]+') == ''", text, 629147, 10, 11],
    ["self.join(' ') == 'aa bb'", texts, 329853068905, 10, 43],
    ['self.isSorted() == true', texts, 329854432052, 10, 52],
    [
      "self.str.replace(self.before, self.after) == 'does not matter'",
      (most) => members({ str: text(most), before: text(2), after: text(4) }),
      629154,
      4,
      12,
    ],
    ['self.str.split(self.separator) == []', (most) => members({ str: text(most), separator: text(most) }), 629160, 10, 22],
    ["self.lowerAscii() == 'lower!'", text, 314575, 10, 6],
    ['oldSelf.size() == self.size()', mapOf('integer'), 5, 10, 5],
    ['self["a"] == self["b"]', mapOf('date-time'), 8, 7, 8],
    ['self["c"] == self["d"]', mapOf('duration'), 8, 42, 8],
    ["self.contains('A')", (most) => ({ ...text(most), enum: ['A', 'B', 'C', 'LongValue'] }), 2, 1000, 401],
    ['isQuantity(self)', (most) => ({ ...of('int-or-string'), ...(most !== undefined && { maxLength: most }) }), 314574, 20, 9],
  ])('%s', (rule, schema, unbounded, most, bounded) => {
    expect(costOf(rule, schema())).toBe(unbounded)
    expect(costOf(rule, schema(most))).toBe(bounded)
  })

  test.each([
    ['self.all(x, self.all(y, true))', 352],
    ['self.all(x, self.all(y, self.all(z, true)))', 3552],
  ])('%s, which is too much without a bound', (rule, bounded) => {
    expect(costOf(rule, list(of('number')))).toBeGreaterThan(10_000_000)
    expect(costOf(rule, list(of('number'), 10))).toBe(bounded)
  })
})
