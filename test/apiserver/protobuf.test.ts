/** Clients that take protobuf and nothing else. */
import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { decodeProtobufBody } from '../../apiserver/protobuf/decode-body.ts'
import { encodeProtobuf } from '../../apiserver/protobuf/encode-body.ts'
import { WireReader } from '../../apiserver/protobuf/wire-reader.ts'
import { createHttpClient, openWatch, type Client } from './http-client.ts'
import { ADMIN_TOKEN, startTestServer, type TestServer } from './start-server.ts'

const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const MAPS = '/api/v1/namespaces/default/configmaps'
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets'

let server: TestServer
let call: Client

beforeAll(async () => {
  server = await startTestServer()
  call = createHttpClient(server)
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  }
  const established = await openWatch(server, `${DEFINITIONS}?watch=1&fieldSelector=metadata.name%3Dwidgets.example.com`)
  await call('POST', DEFINITIONS, { body: definition })
  for (;;) {
    const conditions = (await established.next()).object.status?.conditions as unknown as
      | { type: string; status: string }[]
      | undefined
    if (conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) break
  }
  established.close()
  await call('POST', WIDGETS, { body: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } } })
})
afterAll(() => server.stop())

async function ask(method: string, path: string, object?: object, accept = PROTOBUF) {
  const headers = { accept, ...(object && { 'content-type': PROTOBUF }) }
  const answer = await call(method, path, { headers, ...(object && { body: encodeProtobuf(object) }) })
  expect(answer.headers['content-type']).toBe(PROTOBUF)
  return { code: answer.code, object: decodeProtobufBody(answer.bytes)! }
}

const map = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'ü' } })

describe('a client that takes protobuf alone', () => {
  test('creates, gets, lists and deletes', async () => {
    expect(await ask('POST', MAPS, map('p1'))).toMatchObject({ code: 201, object: map('p1') })
    const { object } = await ask('GET', `${MAPS}/p1`)
    expect(object).toEqual((await call('GET', `${MAPS}/p1`)).json)
    const list = await ask('GET', `${MAPS}?limit=1`)
    expect(list.object).toMatchObject({
      apiVersion: 'v1',
      kind: 'ConfigMapList',
      metadata: { resourceVersion: expect.any(String) as string },
    })
    expect((await ask('DELETE', `${MAPS}/p1`)).object).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'p1' },
    })
  })

  test('reads every error as a Status', async () => {
    const { code, object } = await ask('GET', `${MAPS}/none`)
    expect(code).toBe(404)
    expect(object).toMatchObject({ kind: 'Status', apiVersion: 'v1', reason: 'NotFound', details: { name: 'none' }, code: 404 })
  })

  test.each([
    ['/api', { kind: 'APIVersions', versions: ['v1'] }],
    ['/apis', { kind: 'APIGroupList' }],
    ['/apis/apps', { kind: 'APIGroup', name: 'apps' }],
    ['/apis/apps/v1', { kind: 'APIResourceList', groupVersion: 'apps/v1' }],
    [`${DEFINITIONS}/widgets.example.com`, { kind: 'CustomResourceDefinition', spec: { group: 'example.com' } }],
    ['/apis/apiregistration.k8s.io/v1/apiservices', { kind: 'APIServiceList' }],
  ])('reads %s', async (path, expected) => {
    expect((await ask('GET', path)).object).toMatchObject(expected)
  })

  test('has bare metadata, also of custom resources, and no tables', async () => {
    const as = (view: string) => `${PROTOBUF};as=${view};v=v1;g=meta.k8s.io`
    const one = await ask('GET', `${WIDGETS}/w`, undefined, as('PartialObjectMetadata'))
    expect(one.object).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'w' } })
    const list = await ask('GET', WIDGETS, undefined, as('PartialObjectMetadataList'))
    expect(list.object).toMatchObject({ kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 'w' } }] })
    expect(await ask('GET', MAPS, undefined, as('Table'))).toMatchObject({ code: 406, object: { reason: 'NotAcceptable' } })
  })

  test('cannot have a custom resource, and may not half write one', async () => {
    const answer = await ask('GET', `${WIDGETS}/w`)
    expect(answer).toMatchObject({
      code: 406,
      object: { message: expect.stringContaining(`application/yaml, ${PROTOBUF}`) as string },
    })
    expect(await ask('DELETE', `${WIDGETS}/w`)).toMatchObject({ code: 406 })
    const json = await call('GET', `${WIDGETS}/w`, { headers: { accept: `${PROTOBUF},application/json` } })
    expect(json.json.kind).toBe('Widget')
  })

  test('watches in frames with their length before them', async () => {
    const { object } = await ask('POST', MAPS, map('watched'))
    await call('DELETE', `${MAPS}/watched`)
    const { resourceVersion } = object.metadata as { resourceVersion: string }
    const path = `${MAPS}?watch=1&fieldSelector=metadata.name%3Dwatched&resourceVersion=${Number(resourceVersion) - 1}`
    const watch = await open(path)
    expect(watch.headers['content-type']).toBe(`${PROTOBUF};stream=watch`)
    const events: Frame[] = []
    for await (const event of frames(watch)) if (events.push(event) === 2) break
    expect(events).toMatchObject([
      { type: 'ADDED', object: map('watched') },
      { type: 'DELETED', object: map('watched') },
    ])
  })

  test('watches over a WebSocket in binary messages', async () => {
    await ask('POST', MAPS, map('socket'))
    const url = `wss://127.0.0.1:${server.port}${MAPS}?watch=1&fieldSelector=metadata.name%3Dsocket`
    const socket = new WebSocket(url, { ca: server.ca, headers: { accept: PROTOBUF, authorization: `Bearer ${ADMIN_TOKEN}` } })
    const message = await new Promise<Buffer>((resolve, reject) => {
      socket.once('message', (bytes: Buffer, isBinary: boolean) => (isBinary ? resolve(bytes) : reject(new Error('a text'))))
      socket.once('error', reject)
    })
    socket.close()
    expect(readEvent(message)).toMatchObject({ type: 'ADDED', object: map('socket') })
  })
})

test('a watch in YAML is not acceptable', async () => {
  const { code, json } = await call('GET', `${MAPS}?watch=1`, { headers: { accept: 'application/yaml' } })
  expect(code).toBe(406)
  expect(json.message).toContain(`application/json;stream=watch, ${PROTOBUF};stream=watch`)
})

interface Frame {
  type: string
  object: unknown
}

const open = (path: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { accept: PROTOBUF, authorization: `Bearer ${ADMIN_TOKEN}` }
    httpsRequest({ host: '127.0.0.1', port: server.port, ca: server.ca, path, headers }, resolve).on('error', reject).end()
  })

async function* frames(stream: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
      const end = 4 + bytes.readUInt32BE()
      yield readEvent(bytes.subarray(4, end))
      bytes = bytes.subarray(end)
    }
  }
}

/** `type` is the first field of a WatchEvent, `object` the second, with the object's bytes as the first of its own. */
function readEvent(bytes: Buffer): Frame {
  const event = fieldsOf(bytes)
  return { type: event.get(1)!.toString(), object: decodeProtobufBody(fieldsOf(event.get(2)!).get(1)!) }
}

function fieldsOf(bytes: Buffer): Map<number, Buffer> {
  const reader = new WireReader(bytes)
  const fields = new Map<number, Buffer>()
  while (reader.more()) fields.set(reader.tag().number, reader.bytes())
  return fields
}
