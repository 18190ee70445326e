/** Whatever fits the schema is answered: with complaints perhaps, never with a fault. Objects are made at random, with members left out. */
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../api/object.ts'
import { modelOf, type FieldSchema } from '../../api/schema/models.ts'
import { ApiError } from '../../api/status.ts'
import { RESOURCES } from '../resources.ts'
import type { ResourceDefinition } from './resource.ts'

/** `PROPERTY_RUNS=10` makes ten times as many objects. */
const ROUNDS = 50 * Number(process.env.PROPERTY_RUNS ?? 1)
const MAX_DEPTH = 9

/** A small repeatable source of numbers in [0, 1). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function makeObject(model: string, random: () => number, density: number, depth = 0): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(modelOf(model).fields)) {
    if (depth > MAX_DEPTH || random() > density) continue
    object[name] = makeValue(field, random, density, depth)
  }
  return object
}

const TEXTS = ['', 'a', 'A_b', '1', '10.0.0.1', 'Always', '100m', '-1', '25%', 'a.b/c', 'None']

function makeValue(field: FieldSchema, random: () => number, density: number, depth: number): unknown {
  const text = () => TEXTS[Math.floor(random() * TEXTS.length)]!
  switch (field.type) {
    case 'integer':
    case 'number':
      return Math.floor(random() * 4) - 1
    case 'boolean':
      return random() > 0.5
    case 'int-or-string':
      return random() > 0.5 ? 1 : text()
    case 'array':
      return random() > 0.7 ? [] : [makeValue(field.items!, random, density, depth + 1)]
    case 'object':
      return random() > 0.7 ? {} : { a: makeValue(field.values ?? { type: 'string' }, random, density, depth + 1) }
    case 'ref':
      return makeObject(field.ref!, random, density, depth + 1)
    case 'any':
      return {}
    default:
      return text()
  }
}

/** All that the API server may call for one object. An `ApiError` is an answer. */
function exercise(definition: ResourceDefinition, version: string, object: KubeObject): void {
  const conversion = definition.conversions?.[version]
  const stored = conversion ? conversion.toStorage(object) : object
  try {
    definition.setDefaults?.(stored)
    const old = structuredClone(stored)
    definition.prepareForCreate?.(stored)
    definition.validate?.(stored)
    definition.warnings?.(stored)
    const next = structuredClone(old)
    definition.prepareForUpdate?.(next, stored)
    definition.validateUpdate?.(next, stored)
    definition.warnings?.(next, stored)
    definition.generationChanges?.(next, stored)
    const status = structuredClone(old)
    definition.prepareForStatusUpdate?.(status, stored)
    definition.validateStatusUpdate?.(status, stored)
    for (const rules of Object.values(definition.validateSubresource ?? {})) rules(next, stored)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return
  }
  for (const valueOf of Object.values(definition.selectableFields ?? {})) expect(typeof valueOf(stored)).toBe('string')
  for (const column of definition.columns ?? []) column.value(stored, new Date(0))
  definition.gracePeriodSeconds?.(stored, undefined)
  conversion?.fromStorage(stored)
}

const cases = RESOURCES.flatMap((definition) => definition.names.versions.map((version) => [definition, version] as const))

describe('any object gets an answer', () => {
  test.each(
    cases.map(
      ([definition, version]) => [`${definition.names.group}/${version} ${definition.names.kind}`, definition, version] as const,
    ),
  )('%s', (_, definition, version) => {
    const random = randomFrom(7)
    const { group, kind } = definition.names
    for (let round = 0; round < ROUNDS; round++) {
      const body = round === 0 ? {} : makeObject(definition.models[version]!, random, round / ROUNDS)
      // Nested objects that nothing fills are what the decoder makes of them: empty.
      for (const member of ['spec']) if (round < 2 && member in modelOf(definition.models[version]!).fields) body[member] = {}
      const metadata = { name: 'a', uid: 'u', namespace: 'default' }
      exercise(definition, version, {
        ...body,
        apiVersion: group ? `${group}/${version}` : version,
        kind,
        metadata,
      } as KubeObject)
    }
  })
})
