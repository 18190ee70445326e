/** What a change of a definition does to its resource: versions, defaults, names, rules; and what server-side apply knows of a schema. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpClient, openWatch, type Client } from './http-client.ts'
import { startTestServer, type TestServer } from './start-server.ts'

let server: TestServer
let call: Client
beforeAll(async () => {
  server = await startTestServer()
  call = createHttpClient(server)
})
afterAll(() => server.stop())

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const MERGE = { 'content-type': 'application/merge-patch+json' }
const JSON_PATCH = { 'content-type': 'application/json-patch+json' }

type Condition = { type: string; status: string; reason: string; message: string }

const version = (name: string, properties: object, more: object = {}) => ({
  name,
  served: true,
  storage: false,
  schema: { openAPIV3Schema: { type: 'object', properties } },
  ...more,
})

const definition = (plural: string, kind: string, versions: object[], names: object = {}) => ({
  metadata: { name: `${plural}.versions.example.com` },
  spec: { group: 'versions.example.com', scope: 'Cluster', names: { plural, kind, ...names }, versions },
})

/** The definition once `wanted` holds for its conditions: pairs such as `Established=True`. */
async function waitFor(name: string, ...wanted: string[]): Promise<Condition[]> {
  const watch = await openWatch(server, `${DEFINITIONS}?watch=1&fieldSelector=metadata.name%3D${name}`)
  for (;;) {
    const { object } = await watch.next()
    const conditions = (object.status?.conditions ?? []) as unknown as Condition[]
    const held = conditions.map(({ type, status }) => `${type}=${status}`)
    if (!wanted.every((one) => held.includes(one))) continue
    watch.close()
    return conditions
  }
}

async function define(body: ReturnType<typeof definition>): Promise<void> {
  expect((await call('POST', DEFINITIONS, { body })).code).toBe(201)
  await waitFor(body.metadata.name, 'Established=True')
}

const at = (plural: string, version = 'v1', name = '') => `/apis/versions.example.com/${version}/${plural}${name && `/${name}`}`

test('objects are read as the schema of now has them, wherever they come from', async () => {
  const properties = { a: { type: 'string' }, b: { type: 'string' } }
  await define(definition('foos', 'Foo', [version('v1', properties, { storage: true })]))
  const object = { apiVersion: 'versions.example.com/v1', kind: 'Foo', metadata: { name: 'one' }, b: 'x' }
  await call('POST', at('foos'), { body: object })
  const path = '/spec/versions/0/schema/openAPIV3Schema/properties'
  await call('PATCH', `${DEFINITIONS}/foos.versions.example.com`, {
    headers: JSON_PATCH,
    body: [
      { op: 'add', path: `${path}/a/default`, value: 'A' },
      { op: 'remove', path: `${path}/b` },
    ],
  })
  const one = await call('GET', at('foos', 'v1', 'one'))
  expect(one.json).toMatchObject({ a: 'A', metadata: { generation: 1 } })
  expect(one.json).not.toHaveProperty('b')
  expect((await call('GET', at('foos'))).json.items).toMatchObject([{ a: 'A' }])
  const watch = await openWatch(server, `${at('foos')}?watch=1`)
  expect((await watch.next()).object).toMatchObject({ a: 'A' })
  watch.close()
  // What only reading filled in is no change of the object.
  const labelled = await call('PATCH', at('foos', 'v1', 'one'), { headers: MERGE, body: { metadata: { labels: { x: 'y' } } } })
  expect(labelled.json).toMatchObject({ a: 'A', metadata: { generation: 1 } })
})

test('versions share their objects, have columns and subresources of their own, and come and go', async () => {
  const v1 = version('v1', { spec: { type: 'object', properties: { a: { type: 'string' } } } }, { storage: true })
  const v2 = version(
    'v2',
    { spec: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } } } },
    { subresources: { status: {} }, additionalPrinterColumns: [{ name: 'B', type: 'integer', jsonPath: '.spec.b' }] },
  )
  await define(definition('bars', 'Bar', [v1, v2]))
  const body = { apiVersion: 'versions.example.com/v2', kind: 'Bar', metadata: { name: 'one' }, spec: { a: 'x', b: 3 } }
  expect((await call('POST', at('bars', 'v2'), { body })).json).toMatchObject({
    apiVersion: 'versions.example.com/v2',
    spec: { b: 3 },
  })
  const old = await call('GET', at('bars', 'v1', 'one'))
  expect(old.json.apiVersion).toBe('versions.example.com/v1')
  const names = async (version: string) => {
    const { json } = await call('GET', `/apis/versions.example.com/${version}`)
    return (json.resources as unknown as { name: string }[]).map(({ name }) => name).filter((name) => name.startsWith('bars'))
  }
  expect(await names('v1')).toEqual(['bars'])
  expect(await names('v2')).toEqual(['bars', 'bars/status'])
  const table = await call('GET', at('bars', 'v2'), { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })
  expect((table.json.rows as unknown as { cells: unknown[] }[])[0]!.cells).toEqual(['one', 3])

  const path = '/spec/versions/1'
  await call('PATCH', `${DEFINITIONS}/bars.versions.example.com`, {
    headers: JSON_PATCH,
    body: [
      { op: 'replace', path: `${path}/name`, value: 'v3' },
      { op: 'replace', path: `${path}/storage`, value: true },
      { op: 'replace', path: '/spec/versions/0/storage', value: false },
    ],
  })
  expect((await call('GET', at('bars', 'v2', 'one'))).code).toBe(404)
  // Stored as v1, shown as the version that was asked for.
  expect((await call('GET', at('bars', 'v3', 'one'))).json.apiVersion).toBe('versions.example.com/v3')
  expect((await call('GET', `${DEFINITIONS}/bars.versions.example.com`)).json.status).toMatchObject({
    storedVersions: ['v1', 'v3'],
  })
})

test('names that another definition has are not given, until it goes', async () => {
  const schema = { spec: { type: 'object' } }
  await define(definition('firsts', 'First', [version('v1', schema, { storage: true })], { shortNames: ['f'] }))
  const second = definition('seconds', 'First', [version('v1', schema, { storage: true })], { shortNames: ['f'] })
  await call('POST', DEFINITIONS, { body: second })
  const conditions = await waitFor('seconds.versions.example.com', 'NamesAccepted=False', 'Established=False')
  expect(conditions).toMatchObject([
    { reason: 'ListKindConflict', message: '"FirstList" is already in use' },
    { reason: 'NotAccepted', message: 'not all names are accepted' },
  ])
  expect((await call('GET', at('seconds'))).code).toBe(404)
  await call('DELETE', `${DEFINITIONS}/firsts.versions.example.com`)
  await waitFor('seconds.versions.example.com', 'NamesAccepted=True', 'Established=True')
  expect((await call('GET', at('seconds'))).code).toBe(200)
})

test('a stricter rule does not stop work on objects from before it', async () => {
  const properties = { spec: { type: 'object', properties: { size: { type: 'integer' }, color: { type: 'string' } } } }
  await define(definition('olds', 'Old', [version('v1', properties, { storage: true })]))
  const body = { apiVersion: 'versions.example.com/v1', kind: 'Old', metadata: { name: 'one' }, spec: { size: 50 } }
  await call('POST', at('olds'), { body })
  const path = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum'
  await call('PATCH', `${DEFINITIONS}/olds.versions.example.com`, { headers: JSON_PATCH, body: [{ op: 'add', path, value: 10 }] })
  const patch = (spec: object) => call('PATCH', at('olds', 'v1', 'one'), { headers: MERGE, body: { spec } })
  expect((await patch({ color: 'red' })).json).toMatchObject({ spec: { size: 50, color: 'red' }, metadata: { generation: 2 } })
  expect((await patch({ size: 60 })).json.message).toContain(
    'spec.size: Invalid value: 60: spec.size in body should be less than',
  )
  expect((await patch({ size: 6 })).code).toBe(200)
})

test('apply merges lists by the keys of the schema, and does not own what was defaulted', async () => {
  const item = {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string' }, size: { type: 'integer', default: 1 } },
  }
  const ports = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: item }
  await define(definition('maps', 'Map', [version('v1', { spec: { type: 'object', properties: { ports } } }, { storage: true })]))
  const apply = (manager: string, ports: object[]) =>
    call('PATCH', `${at('maps', 'v1', 'one')}?fieldManager=${manager}`, {
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: { apiVersion: 'versions.example.com/v1', kind: 'Map', metadata: { name: 'one' }, spec: { ports } },
    })
  expect((await apply('a', [{ name: 'x' }])).code).toBe(201)
  const both = await apply('b', [{ name: 'y', size: 2 }])
  expect(both.json.spec).toEqual({
    ports: [
      { name: 'x', size: 1 },
      { name: 'y', size: 2 },
    ],
  })
  // Nobody set the size of x: it may be taken without a conflict.
  expect((await apply('b', [{ name: 'x', size: 5 }])).json.spec).toEqual({ ports: [{ name: 'x', size: 5 }] })
})
