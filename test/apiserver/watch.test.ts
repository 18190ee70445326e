/** Watches over real TLS: order, selectors, bookmarks, the initial state, and their ends. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { ADMIN_TOKEN, startTestServer, type TestServer } from './start-server.ts'
import { createHttpClient, openWatch, type Client } from './http-client.ts'

let server: TestServer
let call: Client
let count = 0

beforeAll(async () => {
  server = await startTestServer()
  call = createHttpClient(server)
})
afterAll(() => server.stop())

const MAPS = '/api/v1/namespaces/default/configmaps'
const MERGE = { 'content-type': 'application/merge-patch+json' }
const create = (name: string, labels: object = {}) => call('POST', MAPS, { body: { metadata: { name, labels } } })
const label = (name: string, labels: object) =>
  call('PATCH', `${MAPS}/${name}`, { body: { metadata: { labels } }, headers: MERGE })
const fresh = () => `w${++count}`

describe('a watch', () => {
  test('from a revision tells what happened since, then what happens', async () => {
    const name = fresh()
    const { json } = await create(name)
    await label(name, { a: 'b' })
    const watch = await openWatch(server, `${MAPS}?watch=1&resourceVersion=${String(json.metadata.resourceVersion)}`)
    expect(await watch.next()).toMatchObject({
      type: 'MODIFIED',
      object: { kind: 'ConfigMap', metadata: { name, labels: { a: 'b' } } },
    })
    await call('DELETE', `${MAPS}/${name}`)
    expect(await watch.next()).toMatchObject({ type: 'DELETED', object: { metadata: { name } } })
    watch.close()
  })

  test('with a selector sees objects come into it and leave it', async () => {
    const name = fresh()
    const { json } = await call('GET', MAPS)
    const watch = await openWatch(
      server,
      `${MAPS}?watch=1&labelSelector=in%3Dyes&resourceVersion=${String(json.metadata.resourceVersion)}`,
    )
    await create(name)
    await label(name, { in: 'yes' })
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name } } })
    const left = await label(name, { in: 'no' })
    const event = await watch.next()
    expect(event).toMatchObject({ type: 'DELETED', object: { metadata: { name, labels: { in: 'yes' } } } })
    expect(event.object.metadata.resourceVersion).toBe(left.json.metadata.resourceVersion)
    watch.close()
  })

  test('for a list to begin with ends it with a bookmark', async () => {
    const name = fresh()
    await create(name, { initial: 'yes' })
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=initial'
    const watch = await openWatch(server, `${MAPS}?${query}`)
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name } } })
    expect(await watch.next()).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    })
    watch.close()
  })

  test('without a revision begins with what is there', async () => {
    const name = fresh()
    await create(name)
    const watch = await openWatch(server, `${MAPS}?watch=1&fieldSelector=metadata.name%3D${name}`)
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name } } })
    watch.close()
  })

  test('of tables names the columns once', async () => {
    const name = fresh()
    await create(name)
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
    const watch = await openWatch(server, `${MAPS}?watch=1&fieldSelector=metadata.name%3D${name}`, accept)
    expect((await watch.next()).object.columnDefinitions).not.toBeNull()
    await label(name, { a: 'b' })
    expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { kind: 'Table', columnDefinitions: null } })
    watch.close()
  })

  test('ends when its time is up', async () => {
    const watch = await openWatch(server, `${MAPS}?watch=1&timeoutSeconds=1`)
    await watch.ended
  })
})

describe('a watch over a WebSocket', () => {
  const open = (path: string, protocols: string[] = []) =>
    new WebSocket(`wss://127.0.0.1:${server.port}${path}`, protocols, {
      ca: server.ca,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })

  test.each([[[]], [['binary.k8s.io']], [['base64.binary.k8s.io', 'other']]])(
    'sends each event as a text message, whatever the protocol: %j',
    async (protocols) => {
      const [first, second] = [fresh(), fresh()]
      await create(first, { socket: first })
      await create(second, { socket: first })
      const socket = open(`${MAPS}?watch=1&labelSelector=socket%3D${first}`, protocols)
      const messages: { text: string; isBinary: boolean }[] = []
      const third = new Promise<void>((resolve) =>
        socket.on('message', (bytes: Buffer, isBinary: boolean) => {
          if (messages.push({ text: bytes.toString(), isBinary }) === 3) resolve()
        }),
      )
      await once(socket, 'open')
      expect(socket.protocol).toBe(protocols[0] ?? '')
      socket.send('what a client says is not listened to')
      await label(first, { a: 'b' })
      await third
      expect(messages.map(({ isBinary }) => isBinary)).toEqual([false, false, false])
      expect(messages.map(({ text }) => JSON.parse(text) as unknown)).toMatchObject([
        { type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: first } } },
        { type: 'ADDED', object: { metadata: { name: second } } },
        { type: 'MODIFIED', object: { metadata: { name: first, labels: { a: 'b' } } } },
      ])
      socket.terminate()
    },
  )

  test('is closed in order when its time is up', async () => {
    const [code] = (await once(open(`${MAPS}?watch=1&timeoutSeconds=1`), 'close')) as [number]
    expect(code).toBe(1000)
  })

  test('is refused like any other: with a Status and its code', async () => {
    const socket = open('/api/v1/nothings?watch=1')
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    expect(answer.statusCode).toBe(404)
    socket.on('error', () => {})
    socket.terminate()
  })
})

test('a server that stops ends its watches well', async () => {
  const other = await startTestServer()
  const watch = await openWatch(other, `${MAPS}?watch=1`)
  await other.stop()
  await watch.ended
})
