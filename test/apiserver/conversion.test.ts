/** Custom resources whose versions a webhook converts: v1 has `host` and `port`, v2 has `address`. */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSelfSigned } from '../../component/self-signed.ts'
import { createHttpClient, openWatch, type Client, type Json } from './http-client.ts'
import { startTestServer, type TestServer } from './start-server.ts'

let server: TestServer
let call: Client
let hook: Server
let isBroken = false

const V1 = '/apis/example.com/v1/namespaces/default/sites'
const V2 = '/apis/example.com/v2/namespaces/default/sites'

interface Site {
  apiVersion: string
  spec: { host?: string; port?: string; address?: string }
}

function convert(site: Site, apiVersion: string): Site {
  if (apiVersion === site.apiVersion) return site
  const { host, port, address = '' } = site.spec
  const [newHost = '', newPort = ''] = address.split(':')
  const spec = apiVersion.endsWith('v2') ? { address: `${host}:${port}` } : { host: newHost, port: newPort }
  return { ...site, apiVersion, spec }
}

beforeAll(async () => {
  const tls = await createSelfSigned('hook', [], ['127.0.0.1'])
  hook = createServer(tls, (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const review = JSON.parse(text) as {
        apiVersion: string
        kind: string
        request: { uid: string; desiredAPIVersion: string; objects: Site[] }
      }
      const { uid, desiredAPIVersion, objects } = review.request
      const result = isBroken ? { status: 'Failure', message: 'no conversion today' } : { status: 'Success' }
      const convertedObjects = objects.map((site) => convert(site, desiredAPIVersion))
      response.end(
        JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid, result, convertedObjects } }),
      )
    })
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  server = await startTestServer()
  call = createHttpClient(server)
  const url = `https://127.0.0.1:${(hook.address() as AddressInfo).port}/convert`
  const text = { type: 'string' }
  const version = (name: string, storage: boolean, properties: object) => ({
    name,
    served: true,
    storage,
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', properties, required: Object.keys(properties) } },
      },
    },
  })
  const definition = {
    metadata: { name: 'sites.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'sites', kind: 'Site' },
      versions: [version('v1', true, { host: text, port: text }), version('v2', false, { address: text })],
      conversion: {
        strategy: 'Webhook',
        webhook: { conversionReviewVersions: ['v1'], clientConfig: { url, caBundle: Buffer.from(tls.cert).toString('base64') } },
      },
    },
  }
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const watch = await openWatch(server, `${path}?watch=true`)
  await call('POST', path, { body: definition })
  for (let isThere = false; !isThere;) {
    const { object } = await watch.next()
    const conditions = (object.status?.conditions ?? []) as unknown as Json[]
    isThere = conditions.some(({ type, status }) => String(type) === 'Established' && String(status) === 'True')
  }
  watch.close()
})
afterAll(async () => {
  await server.stop()
  hook.closeAllConnections()
  hook.close()
})

const merge = { 'content-type': 'application/merge-patch+json' }

describe('a custom resource with a conversion webhook', () => {
  test('is written in one version and read in the other', async () => {
    const made = await call('POST', V1, {
      body: { kind: 'Site', apiVersion: 'example.com/v1', metadata: { name: 'a' }, spec: { host: 'h', port: '1' } },
    })
    expect(made.code, made.text).toBe(201)
    expect((await call('GET', `${V2}/a`)).json).toMatchObject({ apiVersion: 'example.com/v2', spec: { address: 'h:1' } })
    const other = await call('POST', V2, {
      body: { kind: 'Site', apiVersion: 'example.com/v2', metadata: { name: 'b' }, spec: { address: 'i:2' } },
    })
    expect(other.code, other.text).toBe(201)
    expect(other.json.spec).toEqual({ address: 'i:2' })
    expect((await call('GET', `${V1}/b`)).json).toMatchObject({ apiVersion: 'example.com/v1', spec: { host: 'i', port: '2' } })
  })
  test('is listed in either version', async () => {
    expect((await call('GET', V1)).json.items).toMatchObject([{ spec: { host: 'h' } }, { spec: { host: 'i' } }])
    expect((await call('GET', V2)).json.items).toMatchObject([{ spec: { address: 'h:1' } }, { spec: { address: 'i:2' } }])
  })
  test('is validated in the version of the request', async () => {
    const bad = await call('POST', V2, { body: { metadata: { name: 'c' }, spec: { address: 7 } } })
    expect(bad.code, bad.text).toBe(422)
    expect(bad.json.message).toContain('spec.address')
  })
  test('is patched, updated and deleted in the version of the request', async () => {
    const patched = await call('PATCH', `${V2}/a`, { body: { spec: { address: 'x:9' } }, headers: merge })
    expect(patched.json).toMatchObject({ apiVersion: 'example.com/v2', metadata: { generation: 2 }, spec: { address: 'x:9' } })
    const { json } = await call('GET', `${V1}/a`)
    expect(json.spec).toEqual({ host: 'x', port: '9' })
    const same = await call('PUT', `${V2}/a`, { body: patched.json })
    expect(same.json.metadata).toMatchObject({ generation: 2, resourceVersion: patched.json.metadata.resourceVersion })
    expect((await call('DELETE', `${V2}/b`)).code).toBe(200)
  })
  test('is watched in the version of the request, its present state first', async () => {
    const watch = await openWatch(server, `${V2}?watch=true`)
    expect(await watch.next()).toMatchObject({
      type: 'ADDED',
      object: { apiVersion: 'example.com/v2', spec: { address: 'x:9' } },
    })
    await call('PATCH', `${V1}/a`, { body: { spec: { port: '10' }, metadata: { labels: { in: 'yes' } } }, headers: merge })
    expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { spec: { address: 'x:10' } } })
    const selected = await openWatch(server, `${V2}?watch=true&labelSelector=in=yes`)
    await selected.next()
    await call('PATCH', `${V1}/a`, { body: { metadata: { labels: { in: null } } }, headers: merge })
    expect(await selected.next()).toMatchObject({
      type: 'DELETED',
      object: { apiVersion: 'example.com/v2', spec: { address: 'x:10' } },
    })
    watch.close()
    selected.close()
  })
  test('cannot be had in the other version when the webhook fails', async () => {
    const body = { metadata: { name: 'z' }, spec: { host: 'h', port: '1' } }
    expect((await call('POST', V1, { body })).code).toBe(201)
    isBroken = true
    expect((await call('GET', `${V1}/a`)).code).toBe(200)
    const { code, json } = await call('GET', V2)
    expect(code).toBe(500)
    expect(json.message).toContain('conversion webhook for example.com/v1, Kind=Site failed: no conversion today')
    isBroken = false
  })
})
