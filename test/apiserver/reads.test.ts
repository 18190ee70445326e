/** Reads over real TLS, who may make them, and the pages beside the API: health and profiles. */
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
const map = (name: string, more: object = {}) => ({ metadata: { name, ...more }, data: { a: 'b' } })

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
    await expect.poll(async () => (await call('GET', '/readyz', { token: '' })).text, { timeout: 20_000 }).toBe('ok')
    expect((await call('GET', '/livez?verbose', { token: '' })).text).toContain('[+]ping ok')
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
