/** Group versions of another API server, which is a small HTTPS server here, and the register of all that there are. */
import { createServer, type Server } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../api/object.ts'
import { MemoryStore } from '../../apiserver/storage/memory-store.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { createHttpClient, openWatch, type Client, type Json } from './http-client.ts'
import { ADMIN_TOKEN, NOBODY_TOKEN, startTestServer, type TestServer } from './start-server.ts'

const SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices'
const REMOTE = `${SERVICES}/v1alpha1.wardle.example.com`
const FLUNDERS = '/apis/wardle.example.com/v1alpha1/namespaces/default/flunders'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

const store = new MemoryStore()
let server: TestServer
let call: Client
let other: Server
let port: number
const seen: { url: string; client: string; headers: IncomingMessage['headersDistinct'] }[] = []

const resources = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'wardle.example.com/v1alpha1',
  resources: [
    { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['get', 'list'], shortNames: ['fl'] },
    { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] },
  ],
}

beforeAll(async () => {
  const tls = await createSelfSigned('api.wardle.svc', ['api.wardle.svc'], [])
  const client = await createSelfSigned('front-proxy-client', [], [])
  other = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate()
    seen.push({ url: request.url ?? '', client: String(subject?.CN ?? ''), headers: request.headersDistinct })
    if (request.url?.includes('watch')) {
      response.write('{"type":"ADDED","object":{}}\n')
      return
    }
    const document = 'apis/wardle.example.com/v1alpha1'
    const bodies: Record<string, object> = {
      [`/${document}`]: resources,
      '/openapi/v3': { paths: { [document]: { serverRelativeURL: `/openapi/v3/${document}?hash=1` } } },
      [`/openapi/v3/${document}?hash=1`]: { openapi: '3.0.0' },
      '/openapi/v2': {
        swagger: '2.0',
        paths: {
          [`/${document}/flunders`]: { get: { responses: { 200: { schema: { $ref: '#/definitions/Flunder' } } } } },
          '/apis/apps/v1/deployments': { get: { description: 'not theirs to say' } },
        },
        definitions: {
          Flunder: { properties: { metadata: { $ref: `#/definitions/${OBJECT_META}` } } },
          // Of a name that is taken by something else.
          [OBJECT_META]: { type: 'object', description: 'theirs' },
          Unused: { type: 'object' },
        },
      },
    }
    const body = bodies[request.url ?? ''] ?? { kind: 'FlunderList', items: [] }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  })
  other.on('upgrade', (request, socket) => {
    seen.push({ url: request.url ?? '', client: '', headers: request.headersDistinct })
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n')
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  port = (other.address() as AddressInfo).port
  const requestHeader = {
    ca: client.cert,
    allowedNames: ['front-proxy-client'],
    usernameHeaders: ['x-remote-user', 'x-own-user'],
    groupHeaders: ['x-remote-group'],
    extraHeadersPrefix: ['x-remote-extra-', 'x-own-extra-'],
  }
  server = await startTestServer({ store, proxyClient: client, requestHeader })
  call = createHttpClient(server)
  await call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'wardle' } } })
  const spec = {
    group: 'wardle.example.com',
    version: 'v1alpha1',
    groupPriorityMinimum: 2000,
    versionPriority: 200,
    service: { namespace: 'wardle', name: 'api', port: 7443 },
    caBundle: Buffer.from(tls.cert).toString('base64'),
  }
  const made = await call('POST', SERVICES, { body: { metadata: { name: 'v1alpha1.wardle.example.com' }, spec } })
  expect(made.code, made.text).toBe(201)
})
afterAll(async () => {
  await server.stop()
  other.closeAllConnections()
  other.close()
})

/** Resolves when the Available condition has this reason. */
async function available(reason: string): Promise<Json> {
  const watch = await openWatch(server, `${SERVICES}?watch=true&fieldSelector=metadata.name=v1alpha1.wardle.example.com`)
  for (;;) {
    const { object } = await watch.next()
    const condition = (object.status?.conditions as unknown as Json[] | undefined)?.find(
      ({ type }) => String(type) === 'Available',
    )
    if (String(condition?.reason) !== reason) continue
    watch.close()
    return condition!
  }
}

describe('the register', () => {
  test('has what this server answers itself, and always available', async () => {
    const { json } = await call('GET', `${SERVICES}/v1.apps`)
    expect(json).toMatchObject({
      metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17800, versionPriority: 15 },
      status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] },
    })
    expect((await call('GET', `${SERVICES}/v1.`)).code).toBe(200)
  })
  test('puts back what is deleted', async () => {
    const watch = await openWatch(server, `${SERVICES}?watch=true&fieldSelector=metadata.name=v1.batch`)
    await watch.next()
    await call('DELETE', `${SERVICES}/v1.batch`)
    expect((await watch.next()).type).toBe('DELETED')
    expect((await watch.next()).type).toBe('ADDED')
    watch.close()
  })
  test('follows custom resources', async () => {
    const watch = await openWatch(server, `${SERVICES}?watch=true&fieldSelector=metadata.name=v1.shop.example.com`)
    const schema = { openAPIV3Schema: { type: 'object' } }
    const definition = {
      metadata: { name: 'orders.shop.example.com' },
      spec: {
        group: 'shop.example.com',
        scope: 'Namespaced',
        names: { plural: 'orders', kind: 'Order' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    }
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    await call('POST', path, { body: definition })
    expect((await watch.next()).object.spec).toMatchObject({ groupPriorityMinimum: 1000, versionPriority: 100 })
    await call('DELETE', `${path}/orders.shop.example.com`)
    let type = ''
    while (type !== 'DELETED') ({ type } = await watch.next())
    watch.close()
  })
})

describe('an API of another server', () => {
  test('is unavailable, with the reason, until somebody is behind its service', async () => {
    expect(await available('ServiceNotFound')).toMatchObject({
      status: 'False',
      message: 'service/api in "wardle" is not present',
    })
    expect(await call('GET', FLUNDERS)).toMatchObject({ code: 503, text: 'service unavailable\n' })
    const ports = [{ port: 7443, name: 'https' }]
    await call('POST', '/api/v1/namespaces/wardle/services', { body: { metadata: { name: 'api' }, spec: { ports } } })
    await available('EndpointsNotFound')
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'api-1', namespace: 'wardle', uid: 'u', labels: { 'kubernetes.io/service-name': 'api' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
      ports: [{ name: 'https', port }],
    }
    await store.create('/registry/discovery.k8s.io/endpointslices/wardle/api-1', slice as unknown as KubeObject)
    expect(await available('Passed')).toMatchObject({ status: 'True', message: 'all checks passed' })
    expect((await call('GET', REMOTE)).json.status.conditions).toHaveLength(1)
  })
  test('is asked by our certificate in the name of the user', async () => {
    const { json } = await call('GET', `${FLUNDERS}?limit=5`)
    expect(json).toEqual({ kind: 'FlunderList', items: [] })
    const { url, client, headers } = seen.at(-1)!
    expect({ url, client }).toEqual({ url: `${FLUNDERS}?limit=5`, client: 'front-proxy-client' })
    expect(headers).toMatchObject({
      'x-remote-user': ['admin'],
      'x-remote-group': expect.arrayContaining(['system:masters']) as unknown,
    })
    expect(headers.authorization).toBeUndefined()
  })
  test('hears of the user from us alone, and in any script', async () => {
    const bytes = (text: string) => Buffer.from(text).toString('latin1')
    const forged = {
      'x-remote-user': 'root',
      'x-remote-uid': '0',
      'x-remote-extra-scopes': 'all',
      'x-own-user': 'root',
      'x-own-extra-scopes': 'all',
      'sec-websocket-protocol': 'base64url.bearer.authorization.k8s.io.c2VjcmV0',
    }
    const impersonated = {
      'impersonate-user': bytes('jörg 李'),
      'impersonate-group': 'system:masters',
      'impersonate-extra-acme.com%2fteam': bytes('öps'),
    }
    const { code } = await call('GET', FLUNDERS, { headers: { ...forged, ...impersonated } })
    const about = Object.entries(seen.at(-1)!.headers).filter(([name]) => /^(x-|impersonate|auth|sec-)/.test(name))
    expect([code, Object.fromEntries(about)]).toEqual([
      200,
      {
        'x-remote-user': [bytes('jörg 李')],
        'x-remote-group': ['system:masters', 'system:authenticated'],
        'x-remote-extra-acme.com%2fteam': [bytes('öps')],
      },
    ])
  })
  test('is only for who may', async () => {
    expect((await call('GET', FLUNDERS, { token: NOBODY_TOKEN })).code).toBe(403)
  })
  test('can be watched and upgraded', async () => {
    const watch = await openWatch(server, `${FLUNDERS}?watch=true`)
    expect(await watch.next()).toEqual({ type: 'ADDED', object: {} })
    watch.close()
    expect(await echo(`${FLUNDERS}/f/console`)).toBe('ping')
    expect(seen.at(-1)!.headers['x-remote-user']).toEqual(['admin'])
  })
  test('is in every document that says what there is', async () => {
    const { json } = await call('GET', '/apis')
    expect(json.groups).toContainEqual({
      name: 'wardle.example.com',
      versions: [{ groupVersion: 'wardle.example.com/v1alpha1', version: 'v1alpha1' }],
      preferredVersion: { groupVersion: 'wardle.example.com/v1alpha1', version: 'v1alpha1' },
    })
    expect((await call('GET', '/apis/wardle.example.com')).json).toMatchObject({ kind: 'APIGroup', name: 'wardle.example.com' })
    expect((await call('GET', '/apis/wardle.example.com/v1alpha1')).json).toEqual(resources)
    const schemas = await call('GET', '/openapi/v3')
    const url = '/openapi/v3/apis/wardle.example.com/v1alpha1?hash=1'
    expect(schemas.json.paths).toMatchObject({ 'apis/wardle.example.com/v1alpha1': { serverRelativeURL: url } })
    expect((await call('GET', url)).json).toEqual({ openapi: '3.0.0' })
    const { paths, definitions } = (await call('GET', '/openapi/v2')).json
    const path = paths!['/apis/wardle.example.com/v1alpha1/flunders']
    expect(path).toMatchObject({ get: { responses: { 200: { schema: { $ref: '#/definitions/Flunder' } } } } })
    expect(definitions!['Flunder']).toEqual({ properties: { metadata: { $ref: `#/definitions/${OBJECT_META}_v2` } } })
    expect(definitions![`${OBJECT_META}_v2`]).toEqual({ type: 'object', description: 'theirs' })
    expect(definitions).not.toHaveProperty('Unused')
    expect(JSON.stringify(paths!['/apis/apps/v1/deployments'] ?? {})).not.toContain('not theirs to say')
    expect(JSON.stringify(definitions![OBJECT_META])).not.toContain('theirs')
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const all = await call('GET', '/apis', { headers: { accept } })
    expect(all.json.items).toContainEqual(
      expect.objectContaining({
        versions: [
          {
            version: 'v1alpha1',
            freshness: 'Current',
            resources: [
              {
                resource: 'flunders',
                responseKind: { group: 'wardle.example.com', version: 'v1alpha1', kind: 'Flunder' },
                scope: 'Namespaced',
                singularResource: 'flunder',
                verbs: ['get', 'list'],
                shortNames: ['fl'],
                subresources: [
                  {
                    subresource: 'status',
                    responseKind: { group: 'wardle.example.com', version: 'v1alpha1', kind: 'Flunder' },
                    verbs: ['get'],
                  },
                ],
              },
            ],
          },
        ],
      }),
    )
  })
  test('is gone with its registration', async () => {
    await call('DELETE', REMOTE)
    expect((await call('GET', FLUNDERS)).code).toBe(404)
    expect((await call('GET', '/apis/wardle.example.com')).code).toBe(404)
  })
})

test('other servers are told whom they may believe', async () => {
  const { json } = await call('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')
  expect(json.data).toMatchObject({
    'client-ca-file': server.ca,
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-username-headers': '["X-Remote-User","X-Own-User"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-","X-Own-Extra-"]',
  })
})

/** What comes back of what is sent after an upgrade. */
function echo(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca }, () => {
      const lines = [
        `GET ${path} HTTP/1.1`,
        'Host: x',
        `Authorization: Bearer ${ADMIN_TOKEN}`,
        'Connection: Upgrade',
        'Upgrade: x',
      ]
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    })
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      if (!text.includes('\r\n\r\n')) socket.write('ping')
      text += chunk
      if (text.endsWith('ping')) {
        resolve('ping')
        socket.destroy()
      }
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)))
  })
}
