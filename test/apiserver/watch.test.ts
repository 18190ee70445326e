/** Watches over real TLS: order, selectors, bookmarks, the initial state, and their ends. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpClient, openWatch, type Client } from './http-client.ts'
import { startTestServer, type TestServer } from './start-server.ts'

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

test('a server that stops ends its watches well', async () => {
  const other = await startTestServer()
  const watch = await openWatch(other, `${MAPS}?watch=1`)
  await other.stop()
  await watch.ended
})
