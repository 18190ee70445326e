/** Admission webhooks: an HTTPS server of the test answers as each test tells it to. */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../api/object.ts'
import { MemoryStore } from '../../apiserver/storage/memory-store.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { createHttpClient, type Client, type Json } from './http-client.ts'
import { startTestServer, type TestServer } from './start-server.ts'

const SERVER_NAME = 'hook.default.svc'
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const MUTATING = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'
const VALIDATING = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'

type Answer = (request: Json, path: string) => object | undefined | Promise<object | undefined>

let server: TestServer
let call: Client
let hook: Server
let ca: string
let port: number
let connections = 0
/** What the webhooks were asked, in order, and what they answer by path. */
let asked: { path: string; review: Json }[] = []
let answers: Record<string, Answer> = {}

const allow: Answer = () => ({ allowed: true })
const patched = (operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})

beforeAll(async () => {
  const tls = await createSelfSigned(SERVER_NAME, [SERVER_NAME], ['127.0.0.1'])
  ca = Buffer.from(tls.cert).toString('base64')
  hook = createServer(tls, (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const review = JSON.parse(text) as Json
      const path = new URL(request.url ?? '', 'https://x').pathname
      asked.push({ path: request.url ?? '', review })
      void Promise.resolve((answers[path] ?? allow)(review.request!, path)).then((answer) => {
        const uid = review.request!.uid
        if (answer === undefined) response.writeHead(500).end('no')
        else response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid, ...answer } }))
      })
    })
  })
  hook.on('secureConnection', () => connections++)
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  port = (hook.address() as AddressInfo).port
  const store = new MemoryStore()
  server = await startTestServer({ store })
  call = createHttpClient(server)
  const ports = [{ name: 'https', port: 8443, targetPort: 'whatever' }]
  await call('POST', '/api/v1/namespaces/default/services', { body: { metadata: { name: 'hook' }, spec: { ports } } })
  const slice = {
    metadata: { name: 'hook-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  }
  // Clients may not name endpoints on loopback: this one gets past the API.
  const object = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', ...slice }
  await store.create('/registry/discovery.k8s.io/endpointslices/default/hook-1', object as unknown as KubeObject)
})
afterAll(async () => {
  await server.stop()
  hook.closeAllConnections()
  hook.close()
})
afterEach(async () => {
  await call('DELETE', MUTATING)
  await call('DELETE', VALIDATING)
  asked = []
  answers = {}
})

const url = (path: string) => ({ url: `https://127.0.0.1:${port}${path}`, caBundle: ca })
const onConfigMaps = { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }
const webhook = (name: string, more: object = {}) => ({
  name: `${name}.example.com`,
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  clientConfig: url(`/${name}`),
  rules: [onConfigMaps],
  // What the API server itself writes is none of these tests' business.
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
  ...more,
})
const install = async (path: string, ...webhooks: object[]) => {
  const answer = await call('POST', path, { body: { metadata: { name: `c${Math.random().toString(36).slice(2)}` }, webhooks } })
  expect(answer.code, answer.text).toBe(201)
}
let names = 0
const create = (data: object, more: object = {}, query = '') =>
  call('POST', CONFIG_MAPS + query, { body: { metadata: { name: `cm-${names++}`, ...more }, data } })

describe('a validating webhook', () => {
  test('refuses with its own status, under its name', async () => {
    await install(VALIDATING, webhook('deny'))
    answers['/deny'] = () => ({ allowed: false, status: { message: 'no such luck', reason: 'Forbidden', code: 403 } })
    const { code, json } = await create({ a: '1' })
    expect(code).toBe(403)
    expect(json).toMatchObject({
      status: 'Failure',
      reason: 'Forbidden',
      message: 'admission webhook "deny.example.com" denied the request: no such luck',
    })
  })
  test.each([
    [{}, 'admission webhook "deny.example.com" denied the request without explanation'],
    [{ status: { reason: 'Because' } }, 'admission webhook "deny.example.com" denied the request: Because'],
  ])('that says %o is quoted in upstream’s words', async (more, message) => {
    await install(VALIDATING, webhook('deny'))
    answers['/deny'] = () => ({ allowed: false, ...more })
    expect((await create({ a: '1' })).json).toMatchObject({ code: 400, message })
  })
  test('is told who asks for what, in the version of the request', async () => {
    await install(VALIDATING, webhook('look'))
    const { json } = await create({ a: '1' }, {}, '?fieldManager=me')
    const { path, review } = asked.at(-1)!
    expect(path).toBe('/look?timeout=10s')
    expect(review).toMatchObject({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        kind: { group: '', version: 'v1', kind: 'ConfigMap' },
        resource: { group: '', version: 'v1', resource: 'configmaps' },
        requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
        name: json.metadata.name,
        namespace: 'default',
        operation: 'CREATE',
        userInfo: { username: 'admin', groups: expect.arrayContaining(['system:masters']) as unknown },
        object: { apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } },
        oldObject: null,
        dryRun: false,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
      },
    })
    await call('DELETE', `${CONFIG_MAPS}/${String(json.metadata.name)}`)
    expect(asked.at(-1)!.review.request).toMatchObject({
      operation: 'DELETE',
      object: null,
      oldObject: { data: { a: '1' } },
      options: { kind: 'DeleteOptions' },
    })
  })
  test('speaks v1beta1 when it says so', async () => {
    await install(VALIDATING, webhook('old', { admissionReviewVersions: ['v1beta1', 'v1'] }))
    answers['/old'] = () => ({ uid: 'nobody looks', allowed: true })
    expect((await create({})).code).toBe(201)
    expect(asked.at(-1)!.review.apiVersion).toBe('admission.k8s.io/v1beta1')
  })
  test('warns the client and is asked about what matches only', async () => {
    const objectSelector = { matchLabels: { asked: 'yes' } }
    await install(
      VALIDATING,
      webhook('warn', { objectSelector }),
      webhook('other', { rules: [{ ...onConfigMaps, resources: ['pods'] }] }),
    )
    answers['/warn'] = () => ({ allowed: true, warnings: ['mind the gap'] })
    expect((await create({})).headers.warning).toBeUndefined()
    expect((await create({}, { labels: { asked: 'yes' } })).headers.warning).toBe('299 - "mind the gap"')
    expect(asked.map(({ path }) => path)).toEqual(['/warn?timeout=10s'])
  })
  test('is told of equivalents in the version that it knows, and of nothing else with matchPolicy Exact', async () => {
    const rules = [
      { operations: ['CREATE'], apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] },
    ]
    await install(VALIDATING, webhook('v1', { rules }), webhook('exact', { rules, matchPolicy: 'Exact' }))
    const metric = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }
    const spec = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3, metrics: [metric] }
    const made = await call('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
      body: { metadata: { name: 'h' }, spec },
    })
    expect(made.code, made.text).toBe(201)
    expect(asked).toHaveLength(1)
    expect(asked[0]!.review.request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v1' },
      requestKind: { group: 'autoscaling', version: 'v2' },
      object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 70 } },
    })
  })
  test('has no say about webhook configurations', async () => {
    await install(
      VALIDATING,
      webhook('all', {
        rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }],
        namespaceSelector: {},
      }),
    )
    answers['/all'] = () => ({ allowed: false })
    expect((await create({})).code).toBe(400)
    await install(VALIDATING, webhook('deny'))
    expect((await call('DELETE', VALIDATING)).code).toBe(200)
    expect((await create({})).code).toBe(201)
  })
  test('is reached through its service, by the port of its endpoints and the name of the service', async () => {
    const clientConfig = { caBundle: ca, service: { namespace: 'default', name: 'hook', port: 8443, path: '/by-service' } }
    await install(VALIDATING, webhook('svc', { clientConfig }))
    expect((await create({})).code).toBe(201)
    expect(asked.at(-1)!.path).toBe('/by-service?timeout=10s')
  })
  test('keeps its connection for the next call', async () => {
    await install(VALIDATING, webhook('keep'))
    await create({})
    const before = connections
    for (let i = 0; i < 5; i++) await create({})
    expect(connections).toBe(before)
  })
})

describe('a webhook that cannot be asked', () => {
  const broken: [string, object, RegExp][] = [
    [
      'nobody listens',
      { clientConfig: { url: 'https://127.0.0.1:1/x', caBundle: '' } },
      /^Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post "https:\/\/127.0.0.1:1\/x\?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused$/,
    ],
    [
      'there is no such service',
      { clientConfig: { service: { namespace: 'default', name: 'gone' } } },
      /failed calling webhook "w.example.com": failed to call webhook: Post "https:\/\/gone.default.svc:443\/\?timeout=10s": service "gone" not found/,
    ],
    ['its certificate is another authority’s', { clientConfig: { url: '' } }, /x509/],
    ['it takes too long', { timeoutSeconds: 1 }, /\?timeout=1s": context deadline exceeded/],
    ['it fails', {}, /an error on the server \("no"\) has prevented the request from succeeding/],
  ]
  test.each(broken)('refuses the write when %s, or lets it pass when it may fail', async (what, more, message) => {
    const clientConfig = { clientConfig: { ...url('/w'), ...(what.includes('certificate') && { caBundle: undefined }) } }
    const config = { ...clientConfig, ...(what.includes('certificate') ? {} : more) }
    answers['/w'] = what.includes('long')
      ? () => new Promise((resolve) => setTimeout(() => resolve({ allowed: true }), 3000))
      : () => undefined
    await install(VALIDATING, webhook('w', config))
    const { code, json } = await create({})
    expect(code).toBe(500)
    expect(json).toMatchObject({ reason: 'InternalError' })
    expect(json.message).toMatch(message)
    await call('DELETE', VALIDATING)
    await install(MUTATING, webhook('w', { ...config, failurePolicy: 'Ignore' }))
    expect((await create({})).code).toBe(201)
  })
  test.each([
    [{ uid: 'another' }, /expected response.uid=".+", got "another"/],
    [{ patch: 'W10=' }, /validating webhook may not return response.patch/],
  ])('because it answers %o has failed', async (answer, message) => {
    await install(VALIDATING, webhook('w'))
    answers['/w'] = () => ({ allowed: true, ...answer })
    expect((await create({})).json.message).toMatch(message)
  })
})

describe('mutating webhooks', () => {
  const setData = (key: string) => (): object => patched([{ op: 'add', path: `/data/${key}`, value: 'set' }])

  test('change the object one after the other, each told of what the ones before have done', async () => {
    await install(MUTATING, webhook('one'), webhook('two'))
    answers = { '/one': setData('one'), '/two': setData('two') }
    const { json } = await create({ zero: '0' })
    expect(json.data).toEqual({ zero: '0', one: 'set', two: 'set' })
    expect(asked[1]!.review.request).toMatchObject({ object: { data: { zero: '0', one: 'set' } } })
  })
  test('make objects that are completed and validated like any other', async () => {
    await install(MUTATING, webhook('pods', { rules: [{ ...onConfigMaps, resources: ['pods'] }] }))
    const containers = [{ name: 'a', image: 'a' }]
    const pod = () =>
      call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { generateName: 'p-' }, spec: { containers } } })
    answers['/pods'] = () => patched([{ op: 'add', path: '/spec/initContainers', value: [{ name: 'init', image: 'i' }] }])
    expect((await pod()).json.spec.initContainers).toMatchObject([{ name: 'init', terminationMessagePolicy: 'File' }])
    answers['/pods'] = () => patched([{ op: 'replace', path: '/spec/containers/0/name', value: 'Not A Name' }])
    expect((await pod()).json).toMatchObject({ code: 422, reason: 'Invalid' })
    answers['/pods'] = () => patched([{ op: 'replace', path: '/spec/containers/7/name', value: 'x' }])
    expect((await pod()).json).toMatchObject({ code: 500, reason: 'InternalError' })
    answers['/pods'] = () => patched([{ op: 'replace', path: '/metadata/namespace', value: 'kube-system' }])
    expect((await pod()).json.message).toMatch(/does not match the namespace sent on the request/)
  })
  test('are asked once more about later changes when they want to be', async () => {
    await install(MUTATING, webhook('again', { reinvocationPolicy: 'IfNeeded' }), webhook('never'), webhook('last'))
    answers['/last'] = setData('last')
    await create({ a: '1' })
    expect(asked.map(({ path }) => path.split('?')[0])).toEqual(['/again', '/never', '/last', '/again'])
  })
  test('cannot change what is being deleted', async () => {
    const { json } = await create({ a: '1' })
    await install(MUTATING, webhook('x'))
    answers['/x'] = () => patched([{ op: 'add', path: '/data', value: {} }])
    const refused = await call('DELETE', `${CONFIG_MAPS}/${String(json.metadata.name)}`)
    expect(refused.json.message).toContain(
      'admission webhook "x.example.com" attempted to modify the object, which is not supported',
    )
  })
  test('see updates with both versions', async () => {
    const { json } = await create({ a: '1' })
    await install(MUTATING, webhook('x'))
    answers['/x'] = setData('x')
    const updated = await call('PATCH', `${CONFIG_MAPS}/${String(json.metadata.name)}?dryRun=All`, {
      body: { data: { b: '2' } },
      headers: { 'content-type': 'application/merge-patch+json' },
    })
    expect(updated.json.data).toEqual({ a: '1', b: '2', x: 'set' })
    expect(asked[0]!.review.request).toMatchObject({
      operation: 'UPDATE',
      dryRun: true,
      oldObject: { data: { a: '1' } },
      options: { kind: 'PatchOptions', dryRun: ['All'] },
    })
  })
})

describe('an eviction', () => {
  test('is told of as what it is, and its deletion not once more', async () => {
    const rules = [{ ...onConfigMaps, resources: ['pods/*'] }]
    await install(VALIDATING, webhook('evict', { rules }))
    const spec = { containers: [{ name: 'main', image: 'i' }] }
    await call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'ev' }, spec } })
    answers['/evict'] = () => ({ allowed: false, status: { message: 'stay' } })
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'ev' } }
    const path = '/api/v1/namespaces/default/pods/ev/eviction'
    const refused = await call('POST', path, { body: eviction })
    expect(refused.json.message).toBe('admission webhook "evict.example.com" denied the request: stay')
    expect(asked.at(-1)!.review.request).toMatchObject({
      kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      subResource: 'eviction',
      operation: 'CREATE',
      object: eviction,
    })
    answers = {}
    asked = []
    expect((await call('POST', path, { body: eviction })).code).toBe(201)
    expect(asked).toHaveLength(1)
  })
})

describe('a webhook with conditions', () => {
  const conditions = (...expressions: string[]) => ({
    matchConditions: expressions.map((expression, index) => ({ name: `c${index}`, expression })),
  })
  test.each<[string, string[], boolean]>([
    ['they hold', ["object.data.a == '1'", "request.operation == 'CREATE' && request.userInfo.username == 'admin'"], true],
    ['one does not', ["object.data.a == '1'", 'oldObject != null'], false],
    ['one fails and another does not hold', ["object.data.none == '1'", "object.data.a == '2'"], false],
  ])('is asked only when all hold: %s', async (_what, expressions, isAsked) => {
    await install(VALIDATING, webhook('cel', conditions(...expressions)))
    expect((await create({ a: '1' })).code).toBe(201)
    expect(asked).toHaveLength(isAsked ? 1 : 0)
  })
  test('that fail refuses the write, unless it may fail', async () => {
    await install(VALIDATING, webhook('cel', conditions("object.data.none == '1'")))
    expect((await create({ a: '1' })).json).toMatchObject({ code: 403, reason: 'Forbidden' })
    await call('DELETE', VALIDATING)
    await install(VALIDATING, webhook('cel', { ...conditions("object.data.none == '1'"), failurePolicy: 'Ignore' }))
    expect((await create({ a: '1' })).code).toBe(201)
    expect(asked).toHaveLength(0)
  })
  test('that nobody can evaluate is refused itself', async () => {
    const webhooks = [webhook('w', conditions('params.x == 1'))]
    const { code, json } = await call('POST', VALIDATING, { body: { metadata: { name: 'cel' }, webhooks } })
    expect(code).toBe(422)
    expect(json.message).toContain('matchConditions[0].expression: Invalid value: ')
    expect(json.message).toContain('compilation failed: ERROR: <input>:1:1: undeclared reference to')
  })
})

describe('what opens a connection', () => {
  test('can be refused by its options', async () => {
    await install(
      VALIDATING,
      webhook('attach', { rules: [{ ...onConfigMaps, operations: ['CONNECT'], resources: ['pods/attach'] }] }),
    )
    const spec = { nodeName: 'n', containers: [{ name: 'main', image: 'i' }] }
    await call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'att' }, spec } })
    answers['/attach'] = () => ({ allowed: false, status: { message: 'not you' } })
    const { json } = await call('POST', '/api/v1/namespaces/default/pods/att/attach?container=main&stdin=true')
    expect(json.message).toBe('admission webhook "attach.example.com" denied the request: not you')
    expect(asked[0]!.review.request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'PodAttachOptions' },
      resource: { resource: 'pods' },
      subResource: 'attach',
      operation: 'CONNECT',
      object: { kind: 'PodAttachOptions', stdin: true, container: 'main' },
    })
  })
})
