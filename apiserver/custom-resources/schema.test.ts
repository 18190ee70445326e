import { describe, expect, test } from 'vitest'
import type { FieldError } from '../../api/field-error.ts'
import type { JSONSchemaProps } from '../../api/generated/types.ts'
import { checkSchema } from './check-schema.ts'
import { compileValidator } from './compile-validator.ts'
import { hasDefaults, prune, pruneAndDefault } from './prune-and-default.ts'
import { newErrors } from './ratchet.ts'

const said = (errors: readonly FieldError[]) => errors.map(({ field, message }) => `${field}: ${message}`)

const schema: JSONSchemaProps = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        known: { type: 'string', default: 'd' },
        nullable: { type: 'string', nullable: true },
        map: { type: 'object', additionalProperties: { type: 'object', properties: { a: { type: 'string' } } } },
        list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string', default: 'x' } } } },
        open: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          properties: { closed: { type: 'object', properties: { a: { type: 'string' } } } },
        },
        embedded: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
}

describe('pruning', () => {
  test('drops what is not known, at every depth, and says where it was', () => {
    const { value, unknown } = prune(
      { kind: 'K', metadata: { name: 'n' }, x: 1, spec: { y: 1, map: { k: { a: 'a', z: 1 } }, list: [{ a: 'a' }, { z: 1 }] } },
      schema,
    )
    expect(unknown).toEqual(['x', 'spec.y', 'spec.map.k.z', 'spec.list[1].z'])
    expect(value).toEqual({ kind: 'K', metadata: { name: 'n' }, spec: { map: { k: { a: 'a' } }, list: [{ a: 'a' }, {}] } })
  })
  test('leaves alone what is to be preserved, down to where a schema closes it again', () => {
    const open = { any: { thing: null }, closed: { a: 'a', b: 1 } }
    expect(prune({ spec: { open } }, schema)).toEqual({
      value: { spec: { open: { any: { thing: null }, closed: { a: 'a' } } } },
      unknown: ['spec.open.closed.b'],
    })
  })
  test('keeps of embedded metadata what metadata has', () => {
    const embedded = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'n', odd: 1 }, spec: {} }
    const { value, unknown } = prune({ spec: { embedded } }, schema)
    expect(unknown).toEqual(['spec.embedded.metadata.odd'])
    expect(value).toEqual({ spec: { embedded: { ...embedded, metadata: { name: 'n' } } } })
  })
  test('treats __proto__ as any other name', () => {
    const hostile = JSON.parse('{"spec":{"map":{"__proto__":{"a":"a"}}}}') as Record<string, unknown>
    expect(JSON.stringify(prune(hostile, schema).value)).toContain('"__proto__":{"a":"a"}')
    expect(({} as { a?: string }).a).toBeUndefined()
  })
})

describe('defaults', () => {
  test('come where nothing is, in every item, and not where nothing is above', () => {
    expect(pruneAndDefault({ spec: { list: [{}, { a: 'b' }] } }, schema).value).toEqual({
      spec: { known: 'd', list: [{ a: 'x' }, { a: 'b' }] },
    })
    expect(pruneAndDefault({}, schema).value).toEqual({})
  })
  test('take the place of null unless the field is nullable', () => {
    expect(pruneAndDefault({ spec: { known: null, nullable: null } }, schema).value).toEqual({
      spec: { known: 'd', nullable: null },
    })
  })
  test('are found at any depth', () => {
    expect(hasDefaults(schema)).toBe(true)
    expect(hasDefaults({ type: 'object', properties: { a: { type: 'string' } } })).toBe(false)
  })
  test('leave the value given as it was', () => {
    const given = Object.freeze({ spec: Object.freeze({ z: 1 }) })
    expect(pruneAndDefault(given, schema).value).toEqual({ spec: { known: 'd' } })
  })
})

test.each<[JSONSchemaProps, unknown, string[]]>([
  [{ type: 'integer' }, 'a', ['f: Invalid value: "string": f in body must be of type integer: "string"']],
  [{ type: 'integer' }, 1.5, ['f: Invalid value: "number": f in body must be of type integer: "number"']],
  [{ type: 'number' }, 1, []],
  [{ type: 'string' }, null, ['f: Invalid value: "null": f in body must be of type string: "null"']],
  [{ type: 'string', nullable: true }, null, []],
  [{ 'x-kubernetes-int-or-string': true }, '50%', []],
  [
    { 'x-kubernetes-int-or-string': true },
    true,
    ['f: Invalid value: "boolean": f in body must be of type integer,string: "boolean"'],
  ],
  [{ type: 'string', enum: ['a', 'b'] }, 'c', ['f: Unsupported value: "c": supported values: "a", "b"']],
  [{ type: 'string', maxLength: 2 }, 'abc', ['f: Too long: may not be more than 2 bytes']],
  [{ type: 'string', maxLength: 2 }, '🎈🎈', []],
  [{ type: 'string', format: 'date-time' }, 'x', ['f: Invalid value: "x": f in body must be of type date-time: "x"']],
  [{ type: 'string', format: 'ipv4' }, '10.0.0.1', []],
  [{ type: 'string', format: 'of-my-own' }, 'x', []],
  [{ type: 'array', items: { type: 'string' }, maxItems: 1 }, ['a', 'b'], ['f: Too many: 2: must have at most 1 items']],
  [
    { type: 'array', items: { type: 'string' } },
    ['a', 1],
    ['f[1]: Invalid value: "integer": f[1] in body must be of type string: "integer"'],
  ],
  [{ type: 'integer', minimum: 1, exclusiveMinimum: true }, 1, ['f: Invalid value: 1: f in body should be greater than 1']],
  [{ type: 'object', required: ['a', 'b'] }, { a: 1 }, ['f.b: Required value']],
  [{ oneOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 1 }, []],
  [
    { oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    { a: 1, b: 1 },
    ['<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
  ],
  [
    { anyOf: [{ required: ['a'] }, { required: ['b'] }] },
    {},
    ['<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)', 'f.a: Required value'],
  ],
  [{ not: { required: ['a'] } }, { a: 1 }, ['<nil>: Invalid value: "": "f" must not validate the schema (not)']],
  [
    { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
    [{ k: 1 }, { k: 1 }, { k: 1 }],
    ['f[1]: Duplicate value: {"k":1}'],
  ],
  [{ type: 'array', 'x-kubernetes-list-type': 'set' }, ['a', 'b', 'a'], ['f[2]: Duplicate value: "a"']],
  // Would take a backtracking engine longer than anybody waits.
  [
    { type: 'string', pattern: '^(a+)+$' },
    `${'a'.repeat(40)}b`,
    [`f: Invalid value: "${'a'.repeat(40)}b": f in body should match '^(a+)+$'`],
  ],
  [
    { type: 'object', 'x-kubernetes-embedded-resource': true },
    { kind: 'A_b', metadata: { name: 'a/b' } },
    [
      'f.apiVersion: Required value: must not be empty',
      "f.kind: Invalid value: \"A_b\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      'f.metadata.name: Invalid value: "a/b": may not contain \'/\'',
    ],
  ],
])('the schema %j says of %j: %j', (schema, value, expected) => {
  expect(said(compileValidator(schema, 'f')(value))).toEqual(expected)
})

const object = (properties: Record<string, JSONSchemaProps>): JSONSchemaProps => ({ type: 'object', properties })

test.each<[string, JSONSchemaProps, string[]]>([
  ['a plain schema', object({ spec: { type: 'object' } }), []],
  ['metadata with a narrower name', object({ metadata: object({ name: { type: 'string', maxLength: 5 } }) }), []],
  [
    'metadata with more than a name',
    object({ metadata: object({ labels: { type: 'object' } }) }),
    [
      's.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
    ],
  ],
  [
    'a type inside of logic',
    { ...object({ a: { type: 'string' } }), anyOf: [{ properties: { a: { type: 'string' }, b: { minimum: 1 } } }] },
    [
      's.anyOf[0].properties[a].type: Forbidden: must be empty to be structural',
      's.properties[b]: Required value: because it is defined in s.anyOf[0].properties[b]',
    ],
  ],
  [
    'the two ways of an integer or a string',
    object({
      a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      b: { 'x-kubernetes-int-or-string': true, allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }] },
    }),
    [],
  ],
  [
    'a pattern that is none',
    object({ a: { type: 'string', pattern: '(' } }),
    [
      's.properties[a].pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: error parsing regexp: missing closing ): `(`',
    ],
  ],
  [
    'defaults that do not fit',
    object({ a: { type: 'integer', default: 'x' }, b: { ...object({ c: { type: 'string' } }), default: { d: 1 } } }),
    [
      's.properties[a].default: Invalid value: "string": s.properties[a].default in body must be of type integer: "string"',
      's.properties[b].default: Invalid value: {"d":1}: must not have unknown fields',
    ],
  ],
  [
    'a default at the top',
    object({ kind: { type: 'string', default: 'K' } }),
    ['s.properties[kind].default: Forbidden: must not be set in top-level kind'],
  ],
  [
    'preserving said to be false, and members beside free ones',
    object({
      a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': false },
      b: { ...object({ c: { type: 'string' } }), additionalProperties: { type: 'string' } },
    }),
    [
      's.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined',
      's.properties[b].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
    ],
  ],
])('of %s is said: %3$j', (_what, schema, expected) => {
  expect(said(checkSchema(schema, 's'))).toEqual(expected)
})

test('an update is refused for what it changes only', () => {
  const validator = compileValidator(object({ spec: object({ a: { type: 'integer' }, 'b.c': { type: 'integer' } }) }))
  const old = { spec: { a: 'x', 'b.c': 'x', list: [] } }
  expect(newErrors(validator(old), old, { spec: { a: 'x', 'b.c': 'x' } })).toEqual([])
  expect(newErrors(validator(old), old, { spec: { a: 'y', 'b.c': 'x' } }).map(({ field }) => field)).toEqual(['spec.a'])
})

describe('patterns', () => {
  const texts = (pattern: string): JSONSchemaProps => ({
    type: 'object',
    properties: { texts: { type: 'array', items: { type: 'string', pattern } } },
  })
  test.each([
    ['find what they are about anywhere', 'b+', ['abc', 'b'], []],
    ['say what did not match', '^b+$', ['abc', 'b'], [`texts[0]: Invalid value: "abc": texts[0] in body should match '^b+$'`]],
    [
      'give up on an object that has too much text for them',
      '[a-c]{1,1000}[a-c]{1,500}[d-f]',
      ['ab'.repeat(50_000)],
      [
        `texts[0]: Invalid value: "string": texts[0] in body cannot be compared with '[a-c]{1,1000}[a-c]{1,500}[d-f]': the object has too much text for its patterns`,
      ],
    ],
  ])('%s', (_, pattern, values, expected) => {
    expect(said(compileValidator(texts(pattern))({ texts: values }))).toEqual(expected)
  })
})

test('defaults of what comes in have a limit, and what is stored can always be shown', () => {
  const item: JSONSchemaProps = { type: 'object', properties: { text: { type: 'string', default: 'x'.repeat(1000) } } }
  const texts: JSONSchemaProps = { type: 'object', properties: { list: { type: 'array', items: item } } }
  const object = { list: Array.from({ length: 4000 }, () => ({})) }
  expect(() => pruneAndDefault(object, texts, { bounded: true })).toThrow('Request entity too large')
  expect((pruneAndDefault(object, texts).value['list'] as object[]).at(-1)).toHaveProperty('text')
})
