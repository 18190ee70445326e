import { expect, test } from 'vitest'
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/types.ts'
import { checkSchema } from './check-schema.ts'
import { compileRules, unenforcedRules } from './compile-rules.ts'

const withRules = (schema: JSONSchemaProps, ...rules: ValidationRule[]): JSONSchemaProps => ({
  ...schema,
  'x-kubernetes-validations': rules,
})
const spec = (properties: Record<string, JSONSchemaProps>, ...rules: ValidationRule[]): JSONSchemaProps => ({
  type: 'object',
  properties: { spec: withRules({ type: 'object', properties }, ...rules) },
})
const numbers = { min: { type: 'integer' }, max: { type: 'integer' }, ratio: { type: 'number' } }

test.each<[JSONSchemaProps, object, object | undefined, string[]]>([
  [spec(numbers, { rule: 'self.min <= self.max' }), { min: 1, max: 2 }, undefined, []],
  [
    spec(numbers, { rule: ' self.min <= self.max ' }),
    { min: 3, max: 2 },
    undefined,
    ['spec: Invalid value: "object": failed rule: self.min <= self.max'],
  ],
  [
    spec(numbers, { rule: 'self.min <= self.max', message: 'too much', fieldPath: '.min', reason: 'FieldValueForbidden' }),
    { min: 3, max: 2 },
    undefined,
    ['spec.min: Forbidden: too much'],
  ],
  [
    spec(numbers, { rule: 'self.min <= self.max', messageExpression: "'min ' + string(self.min)" }),
    { min: 3, max: 2 },
    undefined,
    ['spec: Invalid value: "object": min 3'],
  ],
  [
    spec(numbers, { rule: 'self.min <= self.max' }),
    { min: 3 },
    undefined,
    ['spec: Invalid value: "object": no such key: max evaluating rule: self.min <= self.max'],
  ],
  // A whole number in a field of type number is a double.
  [spec(numbers, { rule: 'self.ratio / 2.0 == 2.5' }), { ratio: 5 }, undefined, []],
  [spec(numbers, { rule: 'self.min == oldSelf.min', message: 'immutable' }), { min: 2 }, undefined, []],
  [
    spec(numbers, { rule: 'self.min == oldSelf.min', message: 'immutable' }),
    { min: 2 },
    { min: 1 },
    ['spec: Invalid value: "object": immutable'],
  ],
  [
    spec({ 'a-b': { type: 'string' }, namespace: { type: 'string' } }, { rule: 'self.a__dash__b == self.__namespace__' }),
    { 'a-b': 'x', namespace: 'x' },
    undefined,
    [],
  ],
  [
    spec({ list: { type: 'array', items: withRules({ type: 'string' }, { rule: 'self.size() < 3' }) } }),
    { list: ['ab', 'abc'] },
    undefined,
    ['spec.list[1]: Invalid value: "string": failed rule: self.size() < 3'],
  ],
])('rules %#', (schema, value, old, expected) => {
  const check = compileRules(schema)!
  const wrap = (spec: object) => ({ apiVersion: 'a/v1', kind: 'K', metadata: { name: 'n' }, spec })
  expect(check(wrap(value), old && wrap(old)).map(({ field, message }) => `${field}: ${message}`)).toEqual(expected)
})

test('a rule at the root sees the name', () => {
  const check = compileRules(withRules({ type: 'object' }, { rule: "self.metadata.name == 'only'" }))!
  expect(check({ metadata: { name: 'only', labels: {} } }, undefined)).toEqual([])
  expect(check({ metadata: { name: 'other' } }, undefined)).toMatchObject([
    { field: '<nil>', message: `Invalid value: "object": failed rule: self.metadata.name == 'only'` },
  ])
})

const loop = '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, a + b + self > 0))'
const outOfBudget =
  'Invalid value: "integer": validation failed due to running out of cost budget, no further validation rules will be run'

test('the rules about one object share what they may cost, and end together when it is spent', () => {
  const list = { type: 'array', items: withRules({ type: 'integer' }, { rule: loop, message: 'too small' }) }
  const check = compileRules({ type: 'object', properties: { list } }, 10_000)!
  expect(check({ list: [1, -20] }, undefined)).toMatchObject([
    { field: 'list[1]', message: 'Invalid value: "integer": too small' },
  ])
  const errors = check({ list: Array.from({ length: 5000 }, () => 1) }, undefined)
  expect(errors).toMatchObject([{ message: outOfBudget }])
  // One expression that costs too much by itself is not the end of the others.
  const both = withRules(
    { type: 'integer' },
    { rule: 'lists.range(100000000).size() > self' },
    { rule: 'self > 1', message: 'small' },
  )
  expect(compileRules({ type: 'object', properties: { both } })!({ both: 1 }, undefined)).toMatchObject([
    { message: expect.stringContaining('actual cost limit exceeded') as unknown },
    { message: 'Invalid value: "integer": small' },
  ])
})

test('an item of a map by key is compared with the one of its key, wherever it was', () => {
  const item = withRules(
    { type: 'object', properties: { k: { type: 'string' }, v: { type: 'integer' } } },
    { rule: 'self.v >= oldSelf.v', message: 'less' },
  )
  const list = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: item }
  const check = compileRules({ type: 'object', properties: { list } })!
  const items = (...values: number[]) => ({ list: values.map((v) => ({ k: `k${v % 10}`, v })) })
  expect(check(items(31, 22, 13, 4), items(11, 12, 23))).toMatchObject([{ field: 'list[2]' }])
})

test('what is no CEL is refused; what this server cannot run is told', () => {
  const bad = spec(numbers, { rule: 'self.min <=' })
  expect(checkSchema(bad, 's')).toMatchObject([{ field: 's.properties[spec].x-kubernetes-validations[0].rule' }])
  const newer = spec(numbers, { rule: 'telepathy("1") == telepathy("1")' })
  expect(checkSchema(newer, 's')).toEqual([])
  expect(unenforcedRules(newer)).toEqual([
    `the rule "telepathy(\\"1\\") == telepathy(\\"1\\")" is not enforced: undeclared reference to 'telepathy' (in container '')`,
  ])
})
