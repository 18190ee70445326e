/** Writes over real TLS: what the server adds, conflicts, patches, bindings, and deletions that wait for finalizers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpClient, type Client } from './http-client.ts'
import { NOBODY_TOKEN, startTestServer, type TestServer } from './start-server.ts'

let server: TestServer
let call: Client

beforeAll(async () => {
  server = await startTestServer()
  call = createHttpClient(server)
})
afterAll(() => server.stop())

const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const map = (name: string, more: object = {}) => ({ metadata: { name, ...more }, data: { a: 'b' } })
const pod = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } })

describe('a write', () => {
  test('creates with what the server adds, and the same name is taken from then on', async () => {
    const made = await call('POST', MAPS, { body: map('made') })
    expect(made.code).toBe(201)
    expect(made.json).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'made', namespace: 'default', uid: expect.stringMatching(/-/) as unknown },
    })
    const again = await call('POST', MAPS, { body: map('made') })
    expect(again.json).toMatchObject({
      kind: 'Status',
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "made" already exists',
    })
  })

  test('makes a name from generateName', async () => {
    const made = await call('POST', MAPS, { body: { metadata: { generateName: 'gen-' } } })
    expect(made.json.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/)
  })

  test('with an old resourceVersion is a conflict, with none it wins', async () => {
    const { json } = await call('POST', MAPS, { body: map('race') })
    const first = await call('PUT', `${MAPS}/race`, { body: { ...json, data: { a: '1' } } })
    expect(first.code).toBe(200)
    const second = await call('PUT', `${MAPS}/race`, { body: { ...json, data: { a: '2' } } })
    expect(second.json).toMatchObject({ code: 409, reason: 'Conflict' })
    expect(second.json.message).toContain(
      'the object has been modified; please apply your changes to the latest version and try again',
    )
    const forced = await call('PUT', `${MAPS}/race`, { body: map('race') })
    expect(forced.code).toBe(200)
  })

  test('that changes nothing makes no new version', async () => {
    const { json } = await call('POST', MAPS, { body: map('same') })
    const put = await call('PUT', `${MAPS}/same`, { body: map('same') })
    expect(put.json.metadata.resourceVersion).toBe(json.metadata.resourceVersion)
  })

  test('as a dry run is answered and not stored', async () => {
    const dry = await call('POST', `${MAPS}?dryRun=All`, { body: map('dry') })
    expect(dry.code).toBe(201)
    expect((await call('GET', `${MAPS}/dry`)).code).toBe(404)
  })

  test.each([
    ['application/merge-patch+json', { data: { a: null, c: 'd' } }],
    ['application/strategic-merge-patch+json', { data: { a: null, c: 'd' } }],
    [
      'application/json-patch+json',
      [
        { op: 'remove', path: '/data/a' },
        { op: 'add', path: '/data/c', value: 'd' },
      ],
    ],
  ])('patches with %s', async (type, body) => {
    const name = `patch-${type.length}`
    await call('POST', MAPS, { body: map(name) })
    const patched = await call('PATCH', `${MAPS}/${name}`, { body, headers: { 'content-type': type } })
    expect(patched.code).toBe(200)
    expect(patched.json.data).toEqual({ c: 'd' })
  })

  test('by server-side apply creates, owns, and meets the conflict with another owner', async () => {
    const apply = (manager: string, a: string, more = '') =>
      call('PATCH', `${MAPS}/applied?fieldManager=${manager}${more}`, {
        body: `apiVersion: v1\nkind: ConfigMap\ndata:\n  a: "${a}"\n`,
        headers: { 'content-type': 'application/apply-patch+yaml' },
      })
    expect((await apply('one', '1')).code).toBe(201)
    expect((await apply('one', '2')).code).toBe(200)
    const refused = await apply('two', '3')
    expect(refused.json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
    })
    const forced = await apply('two', '3', '&force=true')
    expect(forced.json.data).toEqual({ a: '3' })
  })

  test('are answered as a line each, indented or not as asked for', async () => {
    await call('POST', MAPS, { body: map('line') })
    for (const path of [`${MAPS}/line`, `${MAPS}/line?resourceVersion=0`, MAPS, `${MAPS}?limit=1`]) {
      const { text } = await call('GET', path)
      expect(text, path).toMatch(/^[^\n]+\}\n$/)
      const indented = (await call('GET', `${path}${path.includes('?') ? '&' : '?'}pretty=true`)).text
      expect(indented, path).toMatch(/^\{\n  "[^]*\n\}$/)
      expect(JSON.parse(indented)).toEqual(JSON.parse(text))
    }
  })

  test('by server-side apply fails with what has no place in the kind, however strict the client', async () => {
    const apply = (spec: string, validation: string) =>
      call('PATCH', `${PODS}/typed?fieldManager=one&fieldValidation=${validation}`, {
        body: `apiVersion: v1\nkind: Pod\nmetadata: { name: typed, namespace: default }\nspec: ${spec}\n`,
        headers: { 'content-type': 'application/apply-patch+yaml' },
      })
    const prefix = 'failed to create typed patch object (default/typed; /v1, Kind=Pod): '
    const field = '.spec.containers[name="c"]'
    const refusals: [spec: string, why: string][] = [
      ['{ containers: [{ name: c, image: i, foo: 1 }] }', `${field}.foo: field not declared in schema`],
      [
        '{ bar: 1, containers: [{ name: c, image: i, foo: 1 }] }',
        `errors:\n  .spec.bar: field not declared in schema\n  ${field}.foo: field not declared in schema`,
      ],
      ['{ priority: high }', '.spec.priority: expected numeric (int or float), got string'],
      ['{ hostNetwork: 5 }', '.spec.hostNetwork: expected boolean, got &{5}'],
      ['{ containers: [{ name: c, image: 5 }] }', `${field}.image: expected string, got &value.valueUnstructured{Value:5}`],
      ['{ containers: none }', '.spec.containers: expected list, got &{none}'],
      ['{ affinity: [] }', '.spec.affinity: expected map, got &{[]}'],
      [
        '{ containers: [{ name: c, image: i }, { name: c, image: j }] }',
        '.spec.containers: duplicate entries for key [name="c"]',
      ],
      [
        '{ containers: [{ name: c, image: i, ports: [{ containerPort: 80 }, { containerPort: 80, protocol: TCP }] }] }',
        `${field}.ports: duplicate entries for key [containerPort=80,protocol="TCP"]`,
      ],
      [
        '{ containers: [{ name: c, image: i }, { image: j }] }',
        '.spec.containers: element 1: associative list with keys has an element that omits all key fields ["name"] ' +
          "(and doesn't have default values for any key fields)",
      ],
    ]
    for (const [spec, why] of refusals)
      for (const validation of ['Ignore', 'Strict'])
        expect((await apply(spec, validation)).json).toMatchObject({ code: 500, status: 'Failure', message: prefix + why })
    expect((await call('GET', `${PODS}/typed`)).code).toBe(404)
  })

  test('of status leaves the spec alone, and one of the spec the status', async () => {
    await call('POST', PODS, { body: pod('split') })
    const { json } = await call('GET', `${PODS}/split`)
    const status = {
      ...json,
      metadata: { ...json.metadata, ownerReferences: [] },
      spec: { ...json.spec, nodeName: 'elsewhere' },
      status: { phase: 'Running' },
    }
    const put = await call('PUT', `${PODS}/split/status`, { body: status })
    expect(put.json.status.phase).toBe('Running')
    expect(put.json.spec.nodeName).toBeUndefined()
    const patched = await call('PATCH', `${PODS}/split`, {
      body: { metadata: { labels: { yes: 'yes' } }, status: { phase: 'Failed' } },
      headers: { 'content-type': 'application/merge-patch+json' },
    })
    expect(patched.json).toMatchObject({ metadata: { labels: { yes: 'yes' } }, status: { phase: 'Running' } })
  })

  test('is told who did it and why', async () => {
    await call('POST', MAPS, { body: map('caused'), headers: { 'kubelab-cause': 'deployments/default/web@7' } })
    const { text } = await call('GET', '/debug/kubelab/writes?since=0')
    const last = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .findLast(({ name }) => name === 'caused')
    expect(last).toMatchObject({ actor: 'admin', verb: 'create', resource: 'configmaps', cause: 'deployments/default/web@7' })
  })
})

describe('a binding by the collection of bindings', () => {
  const BINDINGS = '/api/v1/namespaces/default/bindings'
  const binding = (name: string) => ({ metadata: { name }, target: { kind: 'Node', name: 'n1' } })

  test('binds the pod that its body names', async () => {
    const name = 'to-be-bound'
    const spec = { containers: [{ name: 'c', image: 'i' }] }
    await call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name }, spec } })
    const { code, json } = await call('POST', BINDINGS, { body: binding(name) })
    expect([code, json.status]).toEqual([201, 'Success'])
    expect((await call('GET', `/api/v1/namespaces/default/pods/${name}`)).json.spec).toMatchObject({ nodeName: 'n1' })
    const again = await call('POST', BINDINGS, { body: binding(name) })
    expect(again.code).toBe(409)
    expect(again.json.message).toContain(`pod ${name} is already assigned to node "n1"`)
  })

  test('is listed by discovery, and does nothing else', async () => {
    const { resources } = (await call('GET', '/api/v1')).json
    expect(resources).toContainEqual({
      name: 'bindings',
      singularName: 'binding',
      namespaced: true,
      kind: 'Binding',
      verbs: ['create'],
    })
    expect((await call('GET', BINDINGS)).code).toBe(405)
    expect((await call('POST', BINDINGS, { body: binding('nobody') })).code).toBe(404)
    expect((await call('POST', BINDINGS, { body: binding('x'), token: NOBODY_TOKEN })).code).toBe(403)
  })
})

describe('a deletion', () => {
  test('waits for finalizers and ends with the update that takes the last', async () => {
    await call('POST', MAPS, { body: map('final', { finalizers: ['example.com/x'] }) })
    const marked = await call('DELETE', `${MAPS}/final`)
    expect(marked.json.metadata.deletionTimestamp).toBeDefined()
    expect((await call('GET', `${MAPS}/final`)).code).toBe(200)
    await call('PATCH', `${MAPS}/final`, {
      body: { metadata: { finalizers: null } },
      headers: { 'content-type': 'application/merge-patch+json' },
    })
    expect((await call('GET', `${MAPS}/final`)).code).toBe(404)
  })

  test('answers a Status when the object has gone', async () => {
    const { json } = await call('POST', MAPS, { body: map('gone') })
    const gone = await call('DELETE', `${MAPS}/gone`)
    expect(gone.json).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'gone', kind: 'configmaps', uid: json.metadata.uid },
    })
  })

  test('of a scheduled pod gives it its grace', async () => {
    await call('POST', PODS, { body: pod('grace') })
    await call('POST', `${PODS}/grace/binding`, { body: { metadata: { name: 'grace' }, target: { kind: 'Node', name: 'n1' } } })
    const twice = await call('POST', `${PODS}/grace/binding`, { body: { target: { name: 'n2' } } })
    expect(twice.json.message).toContain('pod grace is already assigned to node "n1"')
    expect((await call('DELETE', `${PODS}/grace`)).json.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 })
    await call('DELETE', `${PODS}/grace`, { body: { gracePeriodSeconds: 0 } })
    expect((await call('GET', `${PODS}/grace`)).code).toBe(404)
  })

  test('under a condition that does not hold is a conflict', async () => {
    await call('POST', MAPS, { body: map('kept') })
    const refused = await call('DELETE', `${MAPS}/kept`, { body: { preconditions: { uid: 'other' } } })
    expect(refused.code).toBe(409)
  })

  test('of a collection takes what is selected', async () => {
    for (const name of ['c1', 'c2', 'c3'])
      await call('POST', MAPS, { body: map(name, { labels: { c: name === 'c3' ? 'no' : 'yes' } }) })
    expect((await call('DELETE', `${MAPS}?labelSelector=c%3Dyes`)).json.items).toHaveLength(2)
    expect((await call('GET', `${MAPS}?labelSelector=c`)).json.items).toHaveLength(1)
  })
})
