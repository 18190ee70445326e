import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ManagedFieldsEntry } from '../generated/types.ts'
import { deepCopy, type Json, type JsonObject } from '../json.ts'
import { applyPatch, trackUpdate } from './apply.ts'
import { mergeTypeOfCustomResource, mergeTypeOfModel } from './merge-type.ts'

const now = new Date('2026-01-01T00:00:00Z')
const later = new Date('2026-01-01T01:00:00Z')
const type = mergeTypeOfModel('Deployment')

const deployment = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', ...metadata },
  spec,
})
const containers = (...list: JsonObject[]): JsonObject => ({ template: { spec: { containers: list } } })

const apply = (live: JsonObject | undefined, config: JsonObject, manager: string, force = false, at = now) =>
  applyPatch({ live, config, manager, force, type, now: at })

function update(old: JsonObject | undefined, next: JsonObject, manager: string, subresource = ''): JsonObject {
  const managedFields = trackUpdate({ old, new: next, manager, type, now, subresource })
  return { ...next, metadata: { ...(next['metadata'] as JsonObject), managedFields: managedFields as unknown as Json } }
}

const managedFields = (object: JsonObject) =>
  (object['metadata'] as unknown as { managedFields: ManagedFieldsEntry[] }).managedFields
const fieldsOf = (object: JsonObject, manager: string) =>
  managedFields(object).find((entry) => entry.manager === manager)?.fieldsV1
const bare = (object: JsonObject): JsonObject => {
  const { managedFields: _, ...metadata } = object['metadata'] as JsonObject
  return { ...object, metadata }
}

test('items of one name that came in another way stay, until the configuration has one of that name', () => {
  const pod = (...names: string[]) => ({
    ...deployment({}),
    spec: containers(...names.map((name, index) => ({ name, image: `${index}` }))),
  })
  const live = pod('a', 'b', 'b')
  const other = apply(live, deployment(containers({ name: 'a', image: 'x' })), 'me', true)
  expect(bare(other)['spec']).toEqual(containers({ name: 'a', image: 'x' }, { name: 'b', image: '1' }, { name: 'b', image: '2' }))
  const same = apply(live, deployment(containers({ name: 'b', image: 'x' })), 'me', true)
  expect(bare(same)['spec']).toEqual(containers({ name: 'a', image: '0' }, { name: 'b', image: 'x' }))
})

test('an applier owns what it names, and nothing more', () => {
  const object = apply(
    undefined,
    deployment({ replicas: 1, ...containers({ name: 'a', image: '1', ports: [{ containerPort: 80 }] }) }, { labels: { x: 'y' } }),
    'me',
  )
  expect(managedFields(object)).toEqual([
    {
      manager: 'me',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { 'f:x': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:template': {
            'f:spec': {
              'f:containers': {
                'k:{"name":"a"}': {
                  '.': {},
                  'f:image': {},
                  'f:name': {},
                  'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                },
              },
            },
          },
        },
      },
    },
  ])
})

test('a writer owns what it wrote, maps and items themselves included', () => {
  const object = update(
    undefined,
    deployment(containers({ name: 'a', image: '1', env: [{ name: 'A' }] }), { uid: 'u', annotations: { a: 'b' } }),
    'kubectl-create',
  )
  expect(fieldsOf(object, 'kubectl-create')).toEqual({
    'f:metadata': { 'f:annotations': { '.': {}, 'f:a': {} } },
    'f:spec': {
      'f:template': {
        'f:spec': {
          'f:containers': {
            'k:{"name":"a"}': {
              '.': {},
              'f:name': {},
              'f:image': {},
              'f:env': { '.': {}, 'k:{"name":"A"}': { '.': {}, 'f:name': {} } },
            },
          },
        },
      },
    },
  })
})

describe('conflicts', () => {
  const live = () => update(undefined, deployment({ replicas: 1, paused: false }), 'kubectl-create')

  test('changing what another wrote is refused', () => {
    expect(() => apply(live(), deployment({ replicas: 2 }), 'me')).toThrow(
      expect.objectContaining({
        code: 409,
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas',
        details: {
          causes: [
            { reason: 'FieldManagerConflict', message: 'conflict with "kubectl-create" using apps/v1', field: '.spec.replicas' },
          ],
        },
      }),
    )
  })

  test('several are listed by manager', () => {
    expect(() => apply(live(), deployment({ replicas: 2, paused: true }), 'me')).toThrow(
      'Apply failed with 2 conflicts: conflicts with "kubectl-create" using apps/v1:\n- .spec.paused\n- .spec.replicas',
    )
  })

  test('the same value is shared', () => {
    const object = apply(live(), deployment({ replicas: 1 }), 'me')
    expect(fieldsOf(object, 'me')).toEqual({ 'f:spec': { 'f:replicas': {} } })
    expect(fieldsOf(object, 'kubectl-create')).toEqual({ 'f:spec': { 'f:replicas': {}, 'f:paused': {} } })
  })

  test('force takes the field over', () => {
    const object = apply(live(), deployment({ replicas: 2 }), 'me', true)
    expect(object['spec']).toEqual({ replicas: 2, paused: false })
    expect(fieldsOf(object, 'kubectl-create')).toEqual({ 'f:spec': { 'f:paused': {} } })
  })

  test('an item of a list is named by its keys', () => {
    const object = update(undefined, deployment(containers({ name: 'a', image: '1' })), 'x')
    expect(() => apply(object, deployment(containers({ name: 'a', image: '2' })), 'me')).toThrow(
      'conflict with "x" using apps/v1: .spec.template.spec.containers[name="a"].image',
    )
  })
})

describe('from client-side to server-side apply', () => {
  const annotated = (spec: JsonObject, applied: JsonObject) =>
    deployment(spec, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(deployment(applied)) } })

  test('kubectl takes over what it applied before', () => {
    const live = update(undefined, annotated({ replicas: 1 }, { replicas: 1 }), 'kubectl-client-side-apply')
    const object = apply(live, deployment({ replicas: 2 }), 'kubectl')
    expect(object['spec']).toEqual({ replicas: 2 })
    const annotations = (object['metadata'] as { annotations: JsonObject }).annotations
    expect(annotations['kubectl.kubernetes.io/last-applied-configuration']).toContain('"replicas":2')
  })

  test('but not what another changed since, nor under another name', () => {
    const changed = update(undefined, annotated({ replicas: 5 }, { replicas: 1 }), 'hpa')
    expect(() => apply(changed, deployment({ replicas: 2 }), 'kubectl')).toThrow('conflict with "hpa"')
    const live = update(undefined, annotated({ replicas: 1 }, { replicas: 1 }), 'kubectl-client-side-apply')
    expect(() => apply(live, deployment({ replicas: 2 }), 'me')).toThrow('conflict with "kubectl-client-side-apply"')
  })
})

describe('what is applied no more', () => {
  test('is removed', () => {
    const first = apply(
      undefined,
      deployment({ replicas: 1, ...containers({ name: 'a' }, { name: 'b' }) }, { labels: { x: '1', y: '1' } }),
      'me',
    )
    const second = apply(first, deployment(containers({ name: 'b' }), { labels: { y: '1' } }), 'me')
    expect(bare(second)).toEqual(deployment(containers({ name: 'b' }), { labels: { y: '1' } }))
  })

  test('stays when another owns it', () => {
    const first = apply(undefined, deployment({ replicas: 1, paused: true }), 'me')
    const second = apply(first, deployment({ replicas: 1 }), 'you')
    const third = apply(second, deployment({ paused: true }), 'me')
    expect(third['spec']).toEqual({ replicas: 1, paused: true })
    expect(fieldsOf(third, 'me')).toEqual({ 'f:spec': { 'f:paused': {} } })
  })

  test('stays when nobody ever applied it', () => {
    const defaulted = { ...apply(undefined, deployment({ replicas: 1 }), 'me') }
    const live = { ...defaulted, spec: { replicas: 1, revisionHistoryLimit: 10 } }
    expect(apply(live, deployment({ paused: true }), 'me')['spec']).toEqual({ revisionHistoryLimit: 10, paused: true })
  })
})

test('items keep their places: applied ones in the order applied, others between them', () => {
  const live = update(undefined, deployment(containers({ name: 'a' }, { name: 'side' }, { name: 'b' })), 'x')
  const object = apply(live, deployment(containers({ name: 'b' }, { name: 'new' }, { name: 'a' })), 'me')
  expect(object['spec']).toEqual(containers({ name: 'b' }, { name: 'side' }, { name: 'new' }, { name: 'a' }))
})

test('an update takes over what it changes and lets go of what it removes', () => {
  const applied = apply(undefined, deployment({ replicas: 1, paused: true }), 'me')
  const next = { ...applied, spec: { replicas: 5 } }
  const object = update(applied, next, 'hpa')
  expect(fieldsOf(object, 'me')).toBeUndefined()
  expect(fieldsOf(object, 'hpa')).toEqual({ 'f:spec': { 'f:replicas': {} } })
})

test('an update that changes nothing keeps the entries as they are', () => {
  const live = apply(undefined, deployment({ replicas: 1 }), 'me')
  expect(trackUpdate({ old: live, new: deepCopy(live), manager: 'x', type, now: later })).toEqual(managedFields(live))
})

test('writers of status are apart from writers of the rest', () => {
  const live = update(undefined, deployment({ replicas: 1 }), 'm')
  const object = update(live, { ...live, status: { replicas: 1, conditions: [{ type: 'A', status: 'True' }] } }, 'm', 'status')
  expect(managedFields(object).map(({ manager, subresource }) => [manager, subresource])).toEqual([
    ['m', undefined],
    ['m', 'status'],
  ])
  expect(managedFields(object)[1]!.fieldsV1).toEqual({
    'f:status': { 'f:replicas': {}, 'f:conditions': { '.': {}, 'k:{"type":"A"}': { '.': {}, 'f:type': {}, 'f:status': {} } } },
  })
})

test('more than ten updaters become ancient', () => {
  let object = update(undefined, deployment({ replicas: 0 }), 'm0')
  for (let index = 1; index < 15; index++) {
    object = update(
      object,
      { ...object, metadata: { ...(object['metadata'] as JsonObject), annotations: { [`a${index}`]: 'x' } } },
      `m${index}`,
    )
  }
  expect(managedFields(object).length).toBeLessThanOrEqual(10)
})

test('a custom resource merges by its own schema', () => {
  const custom = mergeTypeOfCustomResource({
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          items: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['id'],
            items: { type: 'object', properties: { id: { type: 'string' }, v: { type: 'integer' } } },
          },
        },
      },
    },
  })
  const cr = (...items: JsonObject[]): JsonObject => ({ apiVersion: 'x/v1', kind: 'X', metadata: { name: 'x' }, spec: { items } })
  const first = applyPatch({ live: undefined, config: cr({ id: 'a', v: 1 }), manager: 'one', force: false, type: custom, now })
  const second = applyPatch({ live: first, config: cr({ id: 'b', v: 2 }), manager: 'two', force: false, type: custom, now })
  expect((second['spec'] as JsonObject)['items']).toEqual([
    { id: 'a', v: 1 },
    { id: 'b', v: 2 },
  ])
})

describe('properties', () => {
  const values = fc.constantFrom('1', '2', '3')
  const config = fc
    .record({
      replicas: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
      labels: fc.dictionary(fc.constantFrom('a', 'b', 'c'), values),
      items: fc.uniqueArray(fc.record({ name: fc.constantFrom('x', 'y', 'z'), image: values }), { selector: (c) => c.name }),
    })
    .map(({ replicas, labels, items }) =>
      deployment(
        { ...(replicas !== undefined && { replicas }), ...(items.length > 0 && containers(...items)) },
        { labels: { ...labels } },
      ),
    )

  test('applying twice is applying once', () => {
    fc.assert(
      fc.property(config, config, (base, mine) => {
        const once = apply(apply(undefined, base, 'base'), mine, 'me', true)
        expect(apply(once, mine, 'me', false, later)).toEqual(once)
      }),
    )
  })

  test('applying what is there changes no value', () => {
    fc.assert(
      fc.property(config, (base) => {
        const live = update(undefined, base, 'writer')
        expect(bare(apply(live, base, 'me'))).toEqual(bare(live))
      }),
    )
  })

  test('two owners never lose each other’s fields', () => {
    fc.assert(
      fc.property(config, config, config, (theirs, mine, next) => {
        const live = apply(apply(undefined, theirs, 'they'), mine, 'me', true)
        const after = apply(live, next, 'me', true)
        const again = apply(after, theirs, 'they', true)
        for (const [key, value] of Object.entries((theirs['metadata'] as { labels: JsonObject }).labels)) {
          expect((again['metadata'] as { labels: JsonObject }).labels[key]).toBe(value)
        }
        // What they had and I never named has not changed through my applying.
        const named = new Set([mine, next].flatMap((c) => Object.keys((c['metadata'] as { labels: JsonObject }).labels)))
        for (const [key, value] of Object.entries((theirs['metadata'] as { labels: JsonObject }).labels)) {
          if (!named.has(key)) expect((after['metadata'] as { labels: JsonObject }).labels[key]).toBe(value)
        }
      }),
    )
  })

  test('what one manager alone applied and drops is gone', () => {
    fc.assert(
      fc.property(config, config, (first, second) => {
        const result = apply(apply(undefined, first, 'me'), second, 'me')
        const labels = (object: JsonObject) => (object['metadata'] as { labels?: JsonObject }).labels ?? {}
        expect(labels(result)).toEqual(labels(second))
      }),
    )
  })
})
