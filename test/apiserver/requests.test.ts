/** What clients send and what comes back, over real TLS: reads, writes, conditions, and every kind of nonsense. */
import { gunzipSync } from 'node:zlib'
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

describe('a CPU profile', () => {
  test('is for those who may have it, where profiling is on', async () => {
    expect((await call('GET', '/debug/pprof/profile')).code).toBe(404)
    const other = await startTestServer({ profiling: true })
    const ask = createHttpClient(other)
    const taken = await ask('GET', '/debug/pprof/profile?seconds=0.05')
    expect(taken.code).toBe(200)
    expect(Object.keys(taken.json)).toEqual(expect.arrayContaining(['nodes', 'samples', 'startTime', 'endTime']))
    expect((await ask('GET', '/debug/pprof/profile?seconds=-1')).code).toBe(400)
    expect((await ask('GET', '/debug/pprof/profile', { token: NOBODY_TOKEN })).code).toBe(403)
    expect((await ask('GET', '/debug/pprof/')).text).toContain('.cpuprofile')
    await other.stop()
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

describe('a read', () => {
  beforeAll(async () => {
    for (let i = 0; i < 7; i++) await call('POST', MAPS, { body: map(`page-${i}`, { labels: { page: String(i % 2) } }) })
  })

  test('in pages shows one snapshot', async () => {
    const names: string[] = []
    let next = ''
    do {
      const { json } = await call('GET', `${MAPS}?limit=3&labelSelector=page&continue=${next}`)
      names.push(...(json.items as unknown as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name))
      next = (json.metadata.continue as unknown as string | undefined) ?? ''
      if (names.length === 3) await call('DELETE', `${MAPS}/page-5`)
    } while (next)
    expect(names).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `page-${i}`))
  })

  test.each([
    ['labelSelector=page%3D1', 'page-1'],
    ['fieldSelector=metadata.name%3Dpage-3', 'page-3'],
  ])('with %s finds what it says', async (query, name) => {
    const { json } = await call('GET', `${MAPS}?${query}`)
    expect((json.items as unknown as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)).toContain(name)
  })

  test('as a table has columns, rows and bare metadata', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
    const { json } = await call('GET', `${MAPS}/page-1`, { headers: { accept } })
    expect(json).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      rows: [{ object: { kind: 'PartialObjectMetadata' } }],
    })
    expect((json.columnDefinitions as unknown as { name: string }[])[0]!.name).toBe('Name')
  })

  test('as YAML, as metadata, indented', async () => {
    expect((await call('GET', `${MAPS}/page-1`, { headers: { accept: 'application/yaml' } })).text).toContain('kind: ConfigMap')
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
    expect((await call('GET', MAPS, { headers: { accept } })).json).toMatchObject({ kind: 'PartialObjectMetadataList' })
    expect((await call('GET', `${MAPS}/page-1?pretty=true`)).text).toContain('\n  "')
  })

  test('of a large list is compressed for whoever asks', async () => {
    await call('POST', MAPS, { body: { metadata: { name: 'large' }, data: { a: 'x'.repeat(300_000) } } })
    const answer = await new Promise<Buffer>((resolve, reject) => {
      void import('node:https').then(({ request }) => {
        const headers = { authorization: 'Bearer admin-token', 'accept-encoding': 'gzip' }
        request({ host: '127.0.0.1', port: server.port, ca: server.ca, path: MAPS, headers }, (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('end', () =>
            resolve(incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(Buffer.concat(chunks)) : Buffer.alloc(0)),
          )
        })
          .on('error', reject)
          .end()
      })
    })
    expect(JSON.parse(answer.toString())).toMatchObject({ kind: 'ConfigMapList' })
  })

  test('of a version that does not exist yet says so', async () => {
    const { json } = await call('GET', `${MAPS}?resourceVersion=99999999`)
    expect(json).toMatchObject({ code: 504, reason: 'Timeout' })
  })
})

describe('who asks', () => {
  test.each([
    [
      'no credentials',
      { token: '' },
      403,
      'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
    ],
    ['a token that nobody has', { token: 'wrong' }, 401, 'Unauthorized'],
    ['somebody without rights', { token: NOBODY_TOKEN }, 403, 'User "nobody" cannot list resource "configmaps"'],
    ['the administrator as somebody else', { headers: { 'impersonate-user': 'nobody' } }, 403, 'User "nobody"'],
  ])('%s is answered accordingly', async (_who, options, code, message) => {
    const answer = await call('GET', MAPS, options)
    expect(answer.json).toMatchObject({ kind: 'Status', code })
    expect(answer.json.message).toContain(message)
  })
  test('health is for everybody', async () => {
    expect((await call('GET', '/readyz', { token: '' })).text).toBe('ok')
    expect((await call('GET', '/livez?verbose', { token: '' })).text).toContain('[+]ping ok')
  })
})

describe('nonsense', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  test.each([
    ['broken JSON', 'POST', MAPS, '{"metadata":', {}, 400, 'BadRequest'],
    ['a list for an object', 'POST', MAPS, '[]', {}, 400, 'BadRequest'],
    ['nothing', 'POST', MAPS, '', {}, 400, 'BadRequest'],
    ['deep nesting', 'POST', MAPS, nested(100_000), {}, 400, 'BadRequest'],
    ['nesting of a hundred', 'POST', `${MAPS}?fieldValidation=Strict`, nested(100), {}, 400, 'BadRequest'],
    ['invalid UTF-8', 'POST', MAPS, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, 400, 'BadRequest'],
    ['a wrong type', 'POST', MAPS, '{"metadata":{"name":5}}', {}, 400, 'BadRequest'],
    ['a wrong kind', 'POST', MAPS, '{"kind":"Pod","apiVersion":"v1"}', {}, 400, 'BadRequest'],
    ['a wrong version', 'POST', MAPS, '{"kind":"ConfigMap","apiVersion":"v2"}', {}, 400, 'BadRequest'],
    ['no name', 'POST', MAPS, '{}', {}, 422, 'Invalid'],
    ['a bad name', 'POST', MAPS, '{"metadata":{"name":"A B"}}', {}, 422, 'Invalid'],
    ['a bad label', 'POST', MAPS, '{"metadata":{"name":"a","labels":{"a b":"c"}}}', {}, 422, 'Invalid'],
    ['another namespace', 'POST', MAPS, '{"metadata":{"name":"a","namespace":"b"}}', {}, 400, 'BadRequest'],
    ['another name', 'PUT', `${MAPS}/x`, '{"metadata":{"name":"y"}}', {}, 404, 'NotFound'],
    ['too much', 'POST', MAPS, `{"data":{"a":"${'x'.repeat(3 * 1024 * 1024)}"}}`, {}, 413, 'RequestEntityTooLarge'],
    ['a form', 'POST', MAPS, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'UnsupportedMediaType'],
    [
      'broken protobuf',
      'POST',
      MAPS,
      'k8s\0\xff\xff',
      { 'content-type': 'application/vnd.kubernetes.protobuf' },
      400,
      'BadRequest',
    ],
    ['a YAML bomb', 'POST', MAPS, bomb(), { 'content-type': 'application/yaml' }, 400, 'BadRequest'],
    ['a patch of no type', 'PATCH', `${MAPS}/x`, '{}', {}, 415, 'UnsupportedMediaType'],
    ['a climb out', 'GET', '/api/v1/namespaces/..%2f..%2fsecrets/configmaps/x', undefined, {}, 400, 'BadRequest'],
    ['a name that climbs', 'GET', `${MAPS}/..%2F..%2Fsecrets%2Fdefault%2Fx`, undefined, {}, 400, 'BadRequest'],
    ['a broken escape', 'GET', `${MAPS}/%zz`, undefined, {}, 400, 'BadRequest'],
    ['an unknown resource', 'GET', '/api/v1/foos', undefined, {}, 404, 'NotFound'],
    ['an unknown group', 'GET', '/apis/foo.example.com/v1', undefined, {}, 404, 'NotFound'],
    ['an unknown page', 'GET', '/nowhere', undefined, {}, 404, 'NotFound'],
    ['a verb that is not there', 'PUT', MAPS, '{}', {}, 405, 'MethodNotAllowed'],
    ['a form nobody has', 'GET', MAPS, undefined, { accept: 'text/html' }, 406, 'NotAcceptable'],
    ['a broken selector', 'GET', `${MAPS}?labelSelector=a%20in%20(`, undefined, {}, 400, 'BadRequest'],
    ['an unknown field', 'GET', `${MAPS}?fieldSelector=spec.x%3D1`, undefined, {}, 400, 'BadRequest'],
  ])('%s is answered with a Status', async (_what, method, path, body, headers, code, reason) => {
    const answer = await call(method, path, { ...(body !== undefined && { body }), headers: headers as Record<string, string> })
    expect(answer.json, answer.text).toMatchObject({ kind: 'Status', status: 'Failure', code, reason })
  })

  const TYPES = { merge: 'merge-patch', strategic: 'strategic-merge-patch', json: 'json-patch' }
  const invalidPatch = (shown: string, why: string) => ` "" is invalid: patch: Invalid value: ${JSON.stringify(shown)}: ${why}`

  test.each([
    ['merge', '{"data":{"a":1}}', 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
    [
      'json',
      '[{"op":"add","path":"/data","value":"x"}]',
      'json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string',
    ],
    ['merge', '{"spec":1}', 'strict decoding error: unknown field "spec"'],
    ['merge', '{"data":{"a":"1","a":"2"}}', 'strict decoding error: duplicate field "data.a"'],
    [
      'json',
      '[{"op":"add","path":"/spec","value":1,"why":"so"}]',
      'strict decoding error: json patch unknown field "[0].why", unknown field "spec"',
    ],
  ] as const)('in what a %s patch %s makes of the object is shown with the whole of that', async (type, body, why) => {
    const path = `${MAPS}/patched?dryRun=All&fieldValidation=Strict`
    await call('POST', MAPS, { body: map('patched') })
    const answer = await call('PATCH', path, { body, headers: { 'content-type': `application/${TYPES[type]}+json` } })
    expect(answer.json).toMatchObject({ code: 422, reason: 'Invalid', details: { causes: [{ field: 'patch' }] } })
    expect(answer.json.message).toMatch(/^ "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\"/)
    expect(answer.json.message).toContain(`": ${why}`)
  })

  test.each([
    ['{"metadata":{"labels":"x"}}', 'map[metadata:map[labels:x]]', 'cannot restore map from string'],
    ['{"metadata":{"finalizers":{"a":[1]}}}', 'map[metadata:map[finalizers:map[a:[1]]]]', 'cannot restore slice from map'],
    ['{"metadata":7}', 'map[metadata:7]', 'cannot restore struct from: int64'],
    ['{"data":{"b":1.5,"a":null}}', 'map[data:map[a:<nil> b:1.5]]', 'cannot convert float64 to string'],
    ['{"immutable":{}}', 'map[immutable:map[]]', 'cannot convert map[string]interface {} to bool'],
    ['{"spec":{}}', 'map[spec:map[]]', 'strict decoding error: unknown field "spec"'],
    ['{"data":{"a":"1","a":"2"}}', 'map[data:map[a:2]]', 'strict decoding error: duplicate field "data.a"'],
  ])('in what the strategic patch %s makes of the object is shown with the patch', async (body, shown, why) => {
    const path = `${MAPS}/patched?dryRun=All&fieldValidation=Strict`
    await call('POST', MAPS, { body: map('patched') })
    const answer = await call('PATCH', path, { body, headers: { 'content-type': 'application/strategic-merge-patch+json' } })
    expect(answer.json).toMatchObject({ code: 422, reason: 'Invalid', message: invalidPatch(shown, why) })
  })

  test.each([
    ['strategic', '[]', 400, 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
    ['merge', '"x"', 400, 'error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}'],
    ['json', '{}', 400, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    ['json', '[{"op":"jump"}]', 422, 'the server rejected our request due to an error in our request'],
  ] as const)('in the %s patch %s itself is told apart', async (type, body, code, message) => {
    await call('POST', MAPS, { body: map('patched') })
    const headers = { 'content-type': `application/${TYPES[type]}+json` }
    expect((await call('PATCH', `${MAPS}/patched`, { body, headers })).json).toMatchObject({ code, message })
  })

  test('of a kind in a strategic patch goes unnoticed: the path says what is patched', async () => {
    await call('POST', MAPS, { body: map('patched') })
    const body = { apiVersion: 'v2', kind: 'Other', data: { e: 'f' } }
    const answer = await call('PATCH', `${MAPS}/patched?dryRun=All`, {
      body,
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    })
    expect(answer.json).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { e: 'f' } })
  })

  test.each([
    [MAPS, '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    [PODS, 'field label not supported: spec.x'],
    ['/apis/apps/v1/deployments', '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
  ])('in the field selector of %s is told in the words for its kind', async (path, message) => {
    expect((await call('GET', `${path}?fieldSelector=spec.x%3D1`)).json).toMatchObject({ code: 400, message })
  })

  test('in a field is warned of, or refused when the client is strict', async () => {
    const body = { ...map('odd'), spec: { nonsense: true } }
    const warned = await call('POST', `${MAPS}?dryRun=All`, { body })
    expect(warned.code).toBe(201)
    expect(warned.headers['warning']).toContain('299 - "unknown field \\"spec\\""')
    const refused = await call('POST', `${MAPS}?fieldValidation=Strict`, { body })
    expect(refused.json.message).toContain('strict decoding error: unknown field "spec"')
  })

  test('leaves the server as it was', async () => {
    expect((await call('GET', '/readyz')).code).toBe(200)
  })
})

function bomb(): string {
  const levels = Array.from(
    { length: 12 },
    (_, index) => `a${index + 1}: &a${index + 1} [${Array(9).fill(`*a${index}`).join(',')}]`,
  )
  return `a0: &a0 [x]\n${levels.join('\n')}\n`
}

test('a server that is to stop serves on, not ready, until those who send it requests could know', async () => {
  const known = Promise.withResolvers<void>()
  const leaving = await startTestServer({ beforeStop: () => known.promise })
  const ask = createHttpClient(leaving)
  const stopped = leaving.stop()
  expect(await ask('GET', '/readyz')).toMatchObject({ code: 500, text: expect.stringContaining('[-]shutdown failed') as unknown })
  expect((await ask('GET', '/livez')).code).toBe(200)
  expect((await ask('POST', MAPS, { body: map('late') })).code).toBe(201)
  known.resolve()
  await stopped
})
