/** Custom resources from their definition to their end, as clients see them. */
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
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets'
const MERGE = { 'content-type': 'application/merge-patch+json' }

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1 },
        color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
        tags: { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' } },
        replicas: { type: 'integer' },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, phase: { type: 'string' } } },
  },
}
const definition = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
        additionalPrinterColumns: [{ name: 'Color', type: 'string', jsonPath: '.spec.color' }],
      },
    ],
  },
}
const widget = (name: string, spec: object = { size: 1 }) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
})

test('a definition is established, and its resource is discovered', async () => {
  const watch = await openWatch(server, `${DEFINITIONS}?watch=1&fieldSelector=metadata.name%3Dwidgets.example.com`)
  expect((await call('POST', DEFINITIONS, { body: definition })).code).toBe(201)
  for (;;) {
    const { object } = await watch.next()
    const conditions = object.status.conditions as unknown as { type: string; status: string }[]
    if (conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) break
  }
  watch.close()
  const { json } = await call('GET', '/apis/example.com/v1')
  const names = (json.resources as unknown as { name: string }[]).map(({ name }) => name)
  expect(names).toEqual(['widgets', 'widgets/scale', 'widgets/status'])
  expect((await call('GET', '/openapi/v3/apis/example.com/v1')).text).toContain('"color"')
})

test('an object gets defaults, loses what the schema does not know, and is refused for what does not fit', async () => {
  const made = await call('POST', WIDGETS, {
    body: { ...widget('a'), spec: { size: 2, odd: 1, free: { any: 'thing' } }, status: { phase: 'no' } },
  })
  expect(made.code).toBe(201)
  expect(made.json.spec).toEqual({ size: 2, color: 'red', free: { any: 'thing' } })
  expect(made.json.status).toBeUndefined()
  expect(made.json.metadata.generation).toBe(1)
  expect(made.headers['warning']).toContain('unknown field \\"spec.odd\\"')
  const refused = await call('POST', WIDGETS, { body: widget('b', { size: 0, color: 'green', tags: ['A'] }) })
  expect(refused.json).toMatchObject({ code: 422, reason: 'Invalid' })
  for (const part of [
    'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
    'spec.color: Unsupported value: "green"',
    'spec.tags[0]: Invalid value: "A": spec.tags[0] in body should match \'^[a-z]+$\'',
  ])
    expect(refused.json.message).toContain(part)
  expect((await call('POST', WIDGETS, { body: widget('b', {}) })).json.message).toContain('spec.size: Required value')
  expect((await call('POST', WIDGETS, { body: widget('b', { size: 'x' }) })).json.message).toContain(
    'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
  )
})

test('status and spec are apart, generation counts the spec, and scale works', async () => {
  const status = await call('PATCH', `${WIDGETS}/a/status`, {
    body: { spec: { size: 9 }, status: { phase: 'Up' } },
    headers: MERGE,
  })
  expect(status.json).toMatchObject({ spec: { size: 2 }, status: { phase: 'Up' }, metadata: { generation: 1 } })
  const scaled = await call('PATCH', `${WIDGETS}/a/scale`, { body: { spec: { replicas: 4 } }, headers: MERGE })
  expect(scaled.json).toMatchObject({ kind: 'Scale', spec: { replicas: 4 } })
  expect((await call('GET', `${WIDGETS}/a`)).json).toMatchObject({ spec: { size: 2, replicas: 4 }, metadata: { generation: 2 } })
})

test('tables have its columns', async () => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const { json } = await call('GET', WIDGETS, { headers: { accept } })
  expect((json.rows as unknown as { cells: unknown[] }[])[0]!.cells).toEqual(['a', 'red'])
})

test('a definition that is deleted takes its objects along, and those with finalizers in their time', async () => {
  await call('PATCH', `${WIDGETS}/a`, { body: { metadata: { finalizers: ['example.com/x'] } }, headers: MERGE })
  await call('POST', WIDGETS, { body: widget('c') })
  const watch = await openWatch(server, `${DEFINITIONS}?watch=1&fieldSelector=metadata.name%3Dwidgets.example.com`)
  const objects = await openWatch(server, `${WIDGETS}?watch=1`)
  await call('DELETE', `${DEFINITIONS}/widgets.example.com`)
  for (;;) if ((await objects.next()).object.metadata.deletionTimestamp) break
  objects.close()
  expect((await call('GET', `${WIDGETS}/a`)).code).toBe(200)
  await call('PATCH', `${WIDGETS}/a`, { body: { metadata: { finalizers: null } }, headers: MERGE })
  for (;;) if ((await watch.next()).type === 'DELETED') break
  watch.close()
  expect((await call('GET', WIDGETS)).code).toBe(404)
})

test('rules that may cost too much are refused in a new definition and in a changed one', async () => {
  const path = `${DEFINITIONS}/costs.example.com`
  const withNames = (names: object) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'costs.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'costs', kind: 'Cost' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schemaOf(names) } }],
    },
  })
  const schemaOf = (names: object) => ({
    type: 'object',
    properties: { names },
    'x-kubernetes-validations': [{ rule: 'self.names.all(a, self.names.exists_one(b, a == b))' }],
  })
  const refusal = {
    code: 422,
    message: expect.stringContaining(
      'spec.validation.openAPIV3Schema.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x',
    ) as string,
  }
  const unbounded = withNames({ type: 'array', items: { type: 'string' } })
  expect((await call('POST', DEFINITIONS, { body: unbounded })).json).toMatchObject(refusal)
  const bounded = withNames({ type: 'array', maxItems: 16, items: { type: 'string', maxLength: 64 } })
  expect((await call('POST', DEFINITIONS, { body: bounded })).code).toBe(201)
  expect((await call('PATCH', path, { body: { spec: unbounded.spec }, headers: MERGE })).json).toMatchObject(refusal)
  await call('DELETE', path)
})
