/**
 * What no client would send, by the hundred: every request is answered, by a Status unless it is none of garbage after all,
 * and never by a 500. The corpus is the same in every run; with FULL=1 it is eight times as large.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RESOURCES } from '../../apiserver/resources.ts'
import { createHttpClient, type Answer, type Client } from './http-client.ts'
import { startTestServer, type TestServer } from './start-server.ts'

const full = process.env.FULL === '1'
const COUNT = full ? 500 : 60
const PATIENCE_MS = full ? 600_000 : 60_000
const MAPS = '/api/v1/namespaces/default/configmaps'

let server: TestServer
let call: Client

beforeAll(async () => {
  server = await startTestServer()
  call = createHttpClient(server)
  await call('POST', MAPS, { body: { metadata: { name: 'x' }, data: { a: '1' } } })
  await call('POST', '/api/v1/namespaces/default/pods', { body: POD })
})
afterAll(() => server.stop())

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'x', labels: { a: 'b' } },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'i',
        ports: [{ containerPort: 80 }],
        env: [{ name: 'A', value: 'b' }],
        resources: { limits: { cpu: '1' } },
        livenessProbe: { httpGet: { port: 80, path: '/' } },
      },
    ],
    volumes: [{ name: 'v', emptyDir: {} }],
    tolerations: [{ key: 'a', operator: 'Exists' }],
  },
}

/** Upstream's strategic merge patch and apply answer what they cannot merge with a 500 that says why: no accident, here or there. */
const CANNOT_MERGE =
  /failed to create typed patch object|list element types are not identical|no list of lists|invalid list element|cannot|delete patch|merge key|patch contains/i

function check(answer: Answer, what: unknown): void {
  const shown = `${JSON.stringify(what)?.slice(0, 600)} → ${answer.code} ${answer.text.slice(0, 300)}`
  if (!CANNOT_MERGE.test(answer.text)) expect(answer.code, shown).toBeLessThan(500)
  expect(answer.code, shown).toBeGreaterThanOrEqual(200)
  if (answer.code >= 400) expect(answer.json, shown).toMatchObject({ kind: 'Status', status: 'Failure', code: answer.code })
}

/** The same values every time. */
const sample = <T>(values: fc.Arbitrary<T>, count = COUNT): T[] => fc.sample(values, { seed: 42, numRuns: count })

const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1.5,
    2 ** 53,
    1e308,
    '',
    'x',
    '-',
    '..',
    '\u0000',
    '\ud800',
    '💥',
    [],
    {},
    [null],
    [[]],
  ),
  fc.constantFrom<unknown>('9'.repeat(400), 'a'.repeat(70_000), { a: { b: { c: [1, { d: null }] } } }, '__proto__', {
    __proto__: 1,
  }),
  fc.json().map((text) => JSON.parse(text) as unknown),
)

/** Where in a value something can be put. */
function pathsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path]
  const members = Array.isArray(value) ? value.map((one, index) => [index, one] as const) : Object.entries(value)
  return [path, ...members.flatMap(([key, member]) => pathsIn(member, [...path, key]))]
}

function replaceAt(value: unknown, [first, ...rest]: readonly (string | number)[], replacement: unknown): unknown {
  if (first === undefined) return replacement
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string | number, unknown>
  copy[first] = replaceAt(copy[first], rest, replacement)
  return copy
}

const mutatedPod = fc
  .array(fc.tuple(fc.constantFrom(...pathsIn(POD).slice(1)), odd), { minLength: 1, maxLength: 3 })
  .map((changes) => changes.reduce<unknown>((pod, [path, value]) => safely(pod, path, value), POD))

/** A change may have taken away where the next belongs. */
function safely(value: unknown, path: readonly (string | number)[], replacement: unknown): unknown {
  try {
    return replaceAt(value, path, replacement)
  } catch {
    return value
  }
}

const damagedBytes = fc.tuple(fc.nat(), fc.nat(), fc.uint8Array({ maxLength: 8 })).map(([from, length, insert]) => {
  const bytes = Buffer.from(JSON.stringify(POD))
  const at = from % bytes.length
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + (length % 20))])
})

const operation = fc.record({
  op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
  path: fc.constantFrom(
    '',
    '/',
    '/data',
    '/data/a',
    '/metadata/labels/~',
    '/metadata/name',
    '/x/y/z',
    '/spec/containers/-1',
    '/data/-',
    7,
  ),
  from: fc.constantFrom('', '/data', '/metadata'),
  value: odd,
})

const directive = fc.oneof(
  odd,
  fc.record({ spec: fc.record({ containers: fc.array(fc.record({ name: odd, $patch: odd, image: odd })) }) }),
  fc.record({
    metadata: fc.record({ labels: odd, annotations: odd, finalizers: odd, ownerReferences: odd, managedFields: odd }),
  }),
  fc.record({ spec: fc.record({ '$setElementOrder/containers': odd, $retainKeys: odd, '$deleteFromPrimitiveList/x': odd }) }),
)

describe('garbage as', () => {
  test(
    'bytes, by every content type',
    async () => {
      const types = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'text/plain', '']
      for (const [index, body] of sample(damagedBytes).entries())
        check(await call('POST', `${MAPS}?dryRun=All`, { body, headers: { 'content-type': types[index % types.length]! } }), body)
      for (const body of sample(fc.uint8Array({ maxLength: 60 }))) {
        const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }
        check(await call('POST', `${MAPS}?dryRun=All`, { body: Buffer.concat([Buffer.from('k8s\0'), body]), headers }), [...body])
      }
    },
    PATIENCE_MS,
  )

  test(
    'values of the wrong sort in a pod',
    async () => {
      for (const body of sample(mutatedPod, COUNT * 3))
        check(await call('POST', '/api/v1/namespaces/default/pods?dryRun=All', { body }), body)
    },
    PATIENCE_MS,
  )

  test(
    'a body of every kind there is',
    async () => {
      for (const { names } of RESOURCES) {
        const { group, versions, plural, namespaced } = names
        const root = group ? `/apis/${group}` : '/api'
        for (const version of versions)
          for (const body of sample(fc.record({ metadata: fc.constant({ name: 'x' }), spec: odd, status: odd, data: odd }), 4)) {
            const path = `${root}/${version}/${namespaced ? 'namespaces/default/' : ''}${plural}?dryRun=All`
            check(await call('POST', path, { body }), [path, body])
          }
      }
    },
    PATIENCE_MS,
  )

  test(
    'patches of every sort',
    async () => {
      const pod = '/api/v1/namespaces/default/pods/x?dryRun=All'
      const patch = (path: string, type: string, body: unknown) =>
        call('PATCH', path, { body: JSON.stringify(body) ?? '', headers: { 'content-type': `application/${type}` } })
      for (const body of sample(fc.oneof(fc.array(operation, { maxLength: 4 }), odd)))
        check(await patch(`${MAPS}/x?dryRun=All`, 'json-patch+json', body), body)
      for (const body of sample(directive)) {
        check(await patch(pod, 'strategic-merge-patch+json', body), body)
        check(await patch(pod, 'merge-patch+json', body), body)
        check(await patch(`${pod}&fieldManager=m&force=true`, 'apply-patch+yaml', body), body)
      }
    },
    PATIENCE_MS,
  )

  test(
    'paths and queries',
    async () => {
      const part = fc.constantFrom(
        'api',
        'apis',
        'v1',
        'namespaces',
        'default',
        'pods',
        'x',
        'log',
        'proxy',
        '..',
        '%2e%2e',
        '%2f',
        '%00',
        '%',
        '',
        'watch',
        '%ff',
        'apps',
        '~',
        'scale',
      )
      for (const parts of sample(fc.array(part, { maxLength: 8 }), COUNT * 2)) {
        const path = `/${parts.join('/')}`
        if (!path.includes('watch')) check(await call('GET', path), path)
        check(await call('DELETE', `${path}?dryRun=All`), path)
      }
      const names = [
        'labelSelector',
        'fieldSelector',
        'limit',
        'continue',
        'resourceVersion',
        'resourceVersionMatch',
        'timeoutSeconds',
        'pretty',
      ]
      const value = fc.oneof(
        fc.string({ maxLength: 12 }),
        fc.constantFrom('-1', '1e9', 'NaN', '()', 'a in (', '!', '==', '\u0000', 'eyJ2IjoxfQ', '9'.repeat(40)),
      )
      for (const [name, text] of sample(fc.tuple(fc.constantFrom(...names), value)))
        check(await call('GET', `${MAPS}?${name}=${encodeURIComponent(text)}`), [name, text])
    },
    PATIENCE_MS,
  )

  test(
    'YAML that takes a parser long',
    async () => {
      const lines = (count: number, line: (index: number) => string) =>
        Array.from({ length: count }, (_, index) => line(index)).join('\n')
      const headers = { 'content-type': 'application/yaml' }
      for (const body of [lines(100_000, () => '- a'), lines(200_000, (index) => `k${index}: v`), '['.repeat(1_000_000)]) {
        const answer = await call('POST', MAPS, { body, headers })
        expect(answer.code, answer.text.slice(0, 200)).toBe(400)
      }
      const twice = await call('POST', MAPS, { body: 'metadata: {name: a}\nmetadata: {name: b}', headers })
      expect(twice.json['message']).toContain('key "metadata" already set in map')
    },
    PATIENCE_MS,
  )

  test.each<[string, (depth: number) => string]>([
    ['lists', (depth) => '['.repeat(depth) + ']'.repeat(depth)],
    ['objects', (depth) => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)],
    ['objects that never end', (depth) => '{"a":'.repeat(depth)],
  ])(
    'nested %s',
    async (_what, nest) => {
      for (const depth of [100, 100_000])
        for (const [method, path, type] of [
          ['POST', MAPS, 'json'],
          ['POST', MAPS, 'yaml'],
          ['PATCH', `${MAPS}/x`, 'merge-patch+json'],
          ['PATCH', `${MAPS}/x?fieldManager=m`, 'apply-patch+yaml'],
          ['POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'json'],
        ] as const)
          check(await call(method, path, { body: nest(depth), headers: { 'content-type': `application/${type}` } }), [
            depth,
            method,
            type,
          ])
    },
    60_000,
  )

  test('any of it leaves the server as it was', async () => {
    expect((await call('GET', '/readyz')).code).toBe(200)
    expect((await call('GET', `${MAPS}/x`)).json['data']).toEqual({ a: '1' })
  })
})
