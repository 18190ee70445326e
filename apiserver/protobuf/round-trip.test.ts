import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FieldSchema, modelOf } from '../../api/schema/models.ts'
import { RESOURCES } from '../resources.ts'
import { groupVersion } from '../served-resources.ts'
import { decodeProtobufBody } from './decode-body.ts'
import { encodeProtobuf } from './encode-body.ts'

const RUNS = Number(process.env.PROTOBUF_RUNS ?? 2)

type Generate = <T>(arbitrary: (...parameters: never[]) => fc.Arbitrary<T>, ...parameters: never[]) => T
type Members = Record<string, unknown>

const kinds = RESOURCES.flatMap(({ names, models }) =>
  names.versions.map((version) => ({
    apiVersion: groupVersion(names.group, version),
    kind: names.kind,
    listKind: names.listKind,
    model: models[version]!,
  })),
)

describe('every built-in kind', () => {
  test.each(kinds)('$apiVersion $kind comes back from protobuf as it was', ({ apiVersion, kind, model }) => {
    const objects = fc.gen().map((g) => {
      budget = 300
      return { apiVersion, kind, ...objectOf(g as unknown as Generate, model, 0, ['apiVersion', 'kind']) }
    })
    fc.assert(
      fc.property(objects, (object) => {
        expect(withoutEmpty(decodeProtobufBody(encodeProtobuf(object)))).toEqual(withoutEmpty(object))
      }),
      { numRuns: RUNS },
    )
  })

  test.each(kinds)('$apiVersion $listKind is a message of its own', ({ apiVersion, listKind }) => {
    const list = {
      apiVersion,
      kind: listKind,
      metadata: { resourceVersion: '7', remainingItemCount: 3 },
      items: [named('a'), named('b')],
    }
    expect(decodeProtobufBody(encodeProtobuf(list))).toEqual(list)
  })
})

const named = (name: string) => ({ metadata: { name } })

/** A message says what it is only once, around all of it. */
const NOT_IN_PROTOBUF = new Set(['PersistentVolumeClaim.apiVersion', 'PersistentVolumeClaim.kind'])

function objectOf(g: Generate, model: string, depth: number, without: readonly string[] = []): Members {
  const { fields } = modelOf(model)
  const object: Members = {}
  for (const [name, field] of Object.entries(fields)) {
    if (without.includes(name) || NOT_IN_PROTOBUF.has(`${model}.${name}`) || !isThere(g, depth)) continue
    budget--
    object[name] = special[`${model}.${name}`]?.(g, depth) ?? valueOf(g, field, depth)
  }
  return object
}

/** Members that an object may still get: schemas that hold themselves would never end. */
let budget = 0

/** All members near the root, some deeper down. */
const isThere = (g: Generate, depth: number): boolean => budget > 0 && depth < 12 && (depth < 3 || number(g, 0, 2) > 0)

const number = (g: Generate, min: number, max: number): number => g(fc.integer as never, { min, max } as never)
const text = (g: Generate): string => g(fc.string as never, { minLength: 1, maxLength: 200, unit: 'grapheme' } as never)
const pick = <T>(g: Generate, ...values: T[]): T => g(fc.constantFrom as never, ...(values as never[]))

function valueOf(g: Generate, { type, format, ref, items, values }: FieldSchema, depth: number): unknown {
  switch (type) {
    case 'string':
      if (format === 'byte') return Buffer.from(text(g)).toString('base64')
      if (format === 'date-time') return pick(g, '1970-01-01T00:00:00Z', '2026-11-21T10:11:12Z', '1969-12-31T23:59:59Z')
      if (format === 'date-time-micro') return pick(g, '2026-11-21T10:11:12.000001Z', '2026-11-21T10:11:12.000000Z')
      return text(g)
    case 'integer':
      return pick(
        g,
        1,
        127,
        128,
        16_384,
        -1,
        2 ** 31 - 1,
        -(2 ** 31),
        ...(format === 'int64' ? [2 ** 32, 2 ** 53 - 1, -(2 ** 53)] : []),
      )
    case 'number':
      return pick(g, 0.5, -1e300, 3)
    case 'boolean':
      return true
    case 'int-or-string':
      return pick<unknown>(g, '50%', 'http', 80, -1, '8')
    case 'any':
      return pick<unknown>(g, { a: [1, null, 'x'] }, { b: { c: true } })
    case 'array':
      return Array.from({ length: number(g, 1, 2) }, () => valueOf(g, items!, depth + 1))
    case 'object':
      return Object.fromEntries(Array.from({ length: number(g, 1, 2) }, () => [text(g), valueOf(g, values!, depth + 1)]))
    case 'ref':
      return objectOf(g, ref!, depth + 1)
  }
}

const schemaOf = (g: Generate, depth: number) => ({ type: 'string', ...objectOf(g, 'JSONSchemaProps', depth + 1) })

/** What the schemas know only as anything. */
const special: Record<string, (g: Generate, depth: number) => unknown> = {
  'JSONSchemaProps.items': (g, depth) => (pick(g, true, false) ? [schemaOf(g, depth)] : schemaOf(g, depth)),
  'JSONSchemaProps.additionalItems': (g, depth) => pick(g, true, false, undefined) ?? schemaOf(g, depth),
  'JSONSchemaProps.additionalProperties': (g, depth) => pick(g, true, false, undefined) ?? schemaOf(g, depth),
  'JSONSchemaProps.dependencies': (g, depth) => ({ a: schemaOf(g, depth), b: ['c', 'd'] }),
  'JSONSchemaProps.default': (g) => pick<unknown>(g, 0, '', false, 'x', { a: null }),
  'JSONSchemaProps.enum': () => ['', 0, null, { a: 1 }],
  'CustomResourceSubresources.status': () => ({}),
}

/** Which empty members stay is a matter of its own: see the tests beside. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, each]) => [name, withoutEmpty(each)] as const)
  return Object.fromEntries(members.filter(([, each]) => !isEmpty(each)))
}

const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0
