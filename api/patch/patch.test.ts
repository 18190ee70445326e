import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deepCopy, type Json, type JsonObject } from '../json.ts'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch, createMergePatch, createThreeWayMergePatch } from './merge-patch.ts'
import { applyStrategicMergePatch, createStrategicMergePatch, createThreeWayStrategicPatch } from './strategic-merge.ts'

test('a strategic merge patch looks for the items of a long list by their keys', () => {
  const env = Array.from({ length: 60_000 }, (_, index) => ({ name: `a${index}`, value: 'x' }))
  const podWith = (list: typeof env) => ({ spec: { containers: [{ name: 'c', env: list }] } })
  const before = process.cpuUsage().user
  expect(applyStrategicMergePatch(podWith(env), podWith(env.toReversed()), 'Pod')).toEqual(podWith(env.toReversed()))
  expect(applyStrategicMergePatch(podWith([]), podWith(env), 'Pod')).toEqual(podWith(env))
  // A search for each would be more than a minute.
  expect(process.cpuUsage().user - before).toBeLessThan(20_000_000)
})

describe('a JSON patch made to keep the server busy', () => {
  test('copies no more than so much, also when each operation doubles what there is', () => {
    const doubling = Array.from({ length: 40 }, (_, index) => ({ op: 'copy', from: '/a', path: `/a/${index}` }))
    expect(() => applyJsonPatch({ a: { text: 'some text' } }, doubling)).toThrow('the server rejected our request')
  })
  test('copies a large map once, not for each operation', () => {
    const data = Object.fromEntries(Array.from({ length: 80_000 }, (_, index) => [`key-${index}`, '']))
    const patch = Array.from({ length: 10_000 }, (_, index) => ({ op: 'add', path: `/data/key-${index}`, value: 'x' }))
    const before = process.cpuUsage().user
    expect(applyJsonPatch({ data }, patch)).toMatchObject({ data: { 'key-9999': 'x', 'key-19999': '' } })
    // A copy each would be 800 million members: some forty seconds.
    expect(process.cpuUsage().user - before).toBeLessThan(20_000_000)
    expect(data['key-1']).toBe('')
  })
})

describe('a JSON patch applies as RFC 6902 says', () => {
  test.each<[string, Json, Json, Json]>([
    ['add to an object', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['add in a list', [1, 3], [{ op: 'add', path: '/1', value: 2 }], [1, 2, 3]],
    ['add at the end', [1], [{ op: 'add', path: '/-', value: 2 }], [1, 2]],
    ['add the whole', { a: 1 }, [{ op: 'add', path: '', value: [] }], []],
    ['remove', { a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
    ['replace', { a: { b: 1 } }, [{ op: 'replace', path: '/a/b', value: null }], { a: { b: null } }],
    ['move', { a: 1, b: {} }, [{ op: 'move', from: '/a', path: '/b/c' }], { b: { c: 1 } }],
    ['copy', { a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }], { a: [1], b: [1] }],
    [
      'test, then change',
      { a: 1 },
      [
        { op: 'test', path: '/a', value: 1 },
        { op: 'remove', path: '/a' },
      ],
      {},
    ],
    ['no value as null, as upstream does', { a: 1 }, [{ op: 'add', path: '/a' }], { a: null }],
    [
      'escapes',
      { 'a/b': 1, 'c~d': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'remove', path: '/c~0d' },
      ],
      {},
    ],
  ])('%s', (_, document, patch, expected) => {
    const before = deepCopy(document)
    expect(applyJsonPatch(document, patch)).toEqual(expected)
    expect(document).toEqual(before)
  })

  test.each<[string, Json, Json, number]>([
    ['a missing parent', {}, [{ op: 'add', path: '/a/b', value: 1 }], 422],
    ['a missing member', {}, [{ op: 'remove', path: '/a' }], 422],
    ['replacing what is not there', {}, [{ op: 'replace', path: '/a', value: 1 }], 422],
    ['an index past the end', [1], [{ op: 'add', path: '/2', value: 1 }], 422],
    ['a leading zero', [1], [{ op: 'remove', path: '/00' }], 422],
    ['a failing test', { a: 1 }, [{ op: 'test', path: '/a', value: '1' }], 422],
    ['moving into itself', { a: {} }, [{ op: 'move', from: '/a', path: '/a/b' }], 422],
    ['inherited members', {}, [{ op: 'test', path: '/toString', value: null }], 422],
    ['no list', {}, {}, 400],
    ['an unknown operation', {}, [{ op: 'increase', path: '/a' }], 422],
    ['a path without slash', {}, [{ op: 'add', path: 'a', value: 1 }], 400],
  ])('%s is refused', (_, document, patch, code) => {
    expect(() => applyJsonPatch(document, patch)).toThrow(expect.objectContaining({ code }))
  })
})

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)
const noNulls = (value: Json): Json =>
  Array.isArray(value)
    ? value
    : value !== null && typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (v === null || k === '__proto__' ? [] : [[k, noNulls(v)]])))
      : value
const object = fc.dictionary(fc.string(), json).map((value) => noNulls({ ...value }) as JsonObject)

describe('merge patch', () => {
  test.each<[Json, Json, Json]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'foo' }, null, null],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j', (document, patch, expected) => {
    expect(applyMergePatch(document, patch)).toEqual(expected)
  })

  test('the patch between two objects leads from one to the other', () => {
    fc.assert(
      fc.property(object, object, (a, b) => {
        expect(applyMergePatch(a, createMergePatch(a, b))).toEqual(b)
      }),
    )
  })

  test('three ways: what others added stays, what we dropped goes', () => {
    expect(createThreeWayMergePatch({ a: 1, b: 1 }, { a: 2 }, { a: 1, b: 1, c: 1 })).toEqual({ a: 2, b: null })
  })
})

const pod = (...containers: JsonObject[]): JsonObject => ({ spec: { containers } })
const c = (name: string, more: JsonObject = {}): JsonObject => ({ name, ...more })

describe('strategic merge patch', () => {
  test.each<[string, JsonObject, JsonObject, JsonObject]>([
    ['items merge by key', pod(c('a', { image: '1' }), c('b')), pod(c('a', { image: '2' })), pod(c('a', { image: '2' }), c('b'))],
    ['new items come before untouched ones', pod(c('a'), c('b')), pod(c('z')), pod(c('z'), c('a'), c('b'))],
    ['an item is deleted', pod(c('a'), c('b')), pod(c('a', { $patch: 'delete' })), pod(c('b'))],
    ['a list is replaced', pod(c('a'), c('b')), pod(c('z'), { $patch: 'replace' }), pod(c('z'))],
    [
      'a map is replaced',
      { metadata: { labels: { a: '1' } } },
      { metadata: { labels: { $patch: 'replace', b: '2' } } },
      { metadata: { labels: { b: '2' } } },
    ],
    ['null removes', { spec: { nodeName: 'n', containers: [] } }, { spec: { nodeName: null } }, { spec: { containers: [] } }],
    ['unmatched nulls vanish', {}, { spec: { nodeName: null, dnsPolicy: 'x' } }, { spec: { dnsPolicy: 'x' } }],
    [
      'atomic lists are replaced',
      { spec: { tolerations: [{ key: 'a' }] } },
      { spec: { tolerations: [{ key: 'b' }] } },
      { spec: { tolerations: [{ key: 'b' }] } },
    ],
    [
      'plain lists are joined',
      { metadata: { finalizers: ['a'] } },
      { metadata: { finalizers: ['b', 'a'] } },
      { metadata: { finalizers: ['b', 'a'] } },
    ],
    [
      'plain items are removed',
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
      { metadata: { finalizers: ['b'] } },
    ],
    [
      'the order is set',
      pod(c('a'), c('b'), c('d')),
      { spec: { '$setElementOrder/containers': [c('d'), c('c'), c('a')], containers: [c('c')] } },
      pod(c('b'), c('d'), c('c'), c('a')),
    ],
    [
      'keys are retained',
      { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      { spec: { volumes: [{ name: 'v', hostPath: { path: '/' }, $retainKeys: ['name', 'hostPath'] }] } },
      { spec: { volumes: [{ name: 'v', hostPath: { path: '/' } }] } },
    ],
  ])('%s', (_, document, patch, expected) => {
    const before = deepCopy(document)
    expect(applyStrategicMergePatch(document, patch, 'Pod')).toEqual(expected)
    expect(document).toEqual(before)
  })

  test('an item without its key is refused', () => {
    expect(() => applyStrategicMergePatch(pod(c('a')), pod({ image: 'x' }), 'Pod')).toThrow(
      'map: map[image:x] does not contain declared merge key: name',
    )
  })

  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'))
  const pods = names.chain((list) =>
    fc
      .record({
        labels: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.constantFrom('1', '2')),
        finalizers: fc.uniqueArray(fc.constantFrom('f', 'g', 'h')),
        images: fc.array(fc.constantFrom('1', '2'), { minLength: list.length, maxLength: list.length }),
        tolerations: fc.array(fc.record({ key: fc.constantFrom('a', 'b') })),
      })
      .map(({ labels, finalizers, images, tolerations }): JsonObject => ({
        metadata: { labels: { ...labels }, finalizers },
        spec: {
          containers: list.map((name, index) => ({ name, image: images[index]! })),
          tolerations: tolerations.map((t) => ({ ...t })),
        },
      })),
  )

  test('the patch between two pods leads from one to the other', () => {
    fc.assert(
      fc.property(pods, pods, (a, b) => {
        const patch = createStrategicMergePatch(a, b, 'Pod')
        expect(applyStrategicMergePatch(a, patch, 'Pod')).toEqual(b)
      }),
    )
  })

  test('applying the same configuration again is nothing to do', () => {
    fc.assert(
      fc.property(pods, (a) => {
        expect(createThreeWayStrategicPatch(a, a, a, 'Pod')).toEqual({})
      }),
    )
  })

  test('three ways: sidecars that others injected stay', () => {
    const original = pod(c('a'), c('b'))
    const modified = pod(c('a', { image: '2' }))
    const current = pod(c('a', { image: '1' }), c('b'), c('sidecar'))
    const patch = createThreeWayStrategicPatch(original, modified, current, 'Pod')
    expect(patch).toEqual({
      spec: {
        '$setElementOrder/containers': [{ name: 'a' }],
        containers: [
          { name: 'a', image: '2' },
          { name: 'b', $patch: 'delete' },
        ],
      },
    })
    expect(applyStrategicMergePatch(current, patch, 'Pod')).toEqual(pod(c('a', { image: '2' }), c('sidecar')))
  })
})

test.each([
  ['merge patch', (document: Json, patch: Json) => applyMergePatch(document, patch)],
  ['JSON patch', (document: Json) => applyJsonPatch(document, [{ op: 'add', path: '/data/__proto__', value: { a: 1 } }])],
])('a member named __proto__ is one like any other to a %s', (_, patched) => {
  const result = patched({ data: { b: 1 } }, JSON.parse('{"data":{"__proto__":{"a":1}}}') as Json) as { data: JsonObject }
  expect(JSON.stringify(result)).toBe('{"data":{"b":1,"__proto__":{"a":1}}}')
  expect(JSON.stringify(deepCopy(result))).toBe('{"data":{"b":1,"__proto__":{"a":1}}}')
  expect(result.data['a']).toBeUndefined()
})
