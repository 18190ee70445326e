/**
 * What API servers promise while they and etcd are killed: no acknowledged write is lost, none is done twice, and every watch sees
 * exactly what etcd has committed, in order. `FULL=1` runs it with 200 writers and watchers and with 10,000 writes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { timeout } from '../../api/status.ts'
import { EtcdStore } from '../../apiserver/storage/etcd-store.ts'
import { MemoryStore } from '../../apiserver/storage/memory-store.ts'
import { silentLogger } from '../../component/logger.ts'
import { startEtcd, type EtcdProcess } from '../etcd-process.ts'
import { createApiServerProcess, newSigningKey, type ApiServerProcess } from './api-server-process.ts'
import { committedHistory, mark, startFollower, startWriters, type Committed, type Writers } from './history.ts'
import { createHttpClient, openWatch, type Client } from './http-client.ts'
import { startTestServer, type TestServer } from './start-server.ts'

const full = process.env.FULL === '1'

const MAPS = '/api/v1/namespaces/default/configmaps'
const JSON_PATCH = { 'content-type': 'application/json-patch+json' }
const MERGE_PATCH = { 'content-type': 'application/merge-patch+json' }

let etcd: EtcdProcess
let servers: [ApiServerProcess, ApiServerProcess]
beforeAll(async () => {
  etcd = await startEtcd()
  const options = { etcd, signingKey: newSigningKey() }
  servers = [await createApiServerProcess(options), await createApiServerProcess(options)]
  await Promise.all(servers.map((server) => server.start()))
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await etcd.stop()
})

async function restart(process: EtcdProcess | ApiServerProcess, meanwhile = () => Promise.resolve()): Promise<void> {
  await process.kill()
  await meanwhile()
  await process.start()
}

/** Every write that was answered is in the history once and at the revision of the answer; none of the others twice. */
function expectOnce(history: readonly Committed[], { acknowledged, unknown, surprises }: Writers): void {
  expect(surprises).toEqual([])
  const revisions = new Map<string, number>()
  const twice: string[] = []
  for (const { what, revision } of history) {
    if (what === undefined) continue
    if (revisions.has(what)) twice.push(what)
    revisions.set(what, revision)
  }
  expect(twice).toEqual([])
  const lost = [...acknowledged].filter(
    ([what, revision]) => !revisions.has(what) || (revision !== undefined && revisions.get(what) !== revision),
  )
  expect(lost).toEqual([])
  expect([...revisions.keys()].filter((what) => !acknowledged.has(what) && !unknown.has(what))).toEqual([])
}

it('many watchers of two API servers see exactly what many writers commit, while etcd and each server are killed', async () => {
  const many = full ? 200 : 8
  const between = full ? 1_000 : 30
  const [first, second] = servers
  const from = await mark(first)
  const followers = Array.from({ length: many }, (_, index) => startFollower(servers, from, index))
  const writers = startWriters(servers, many, 'a')
  const everyoneAt = async (revision: number) => {
    await Promise.all(followers.map((follower) => follower.reached(revision)))
  }

  await writers.more(between)
  await restart(etcd)
  await writers.more(between)
  await restart(first, () => writers.more(between))
  // A server knows no history from before its start: who is to go on with it must have seen that far.
  await everyoneAt(await mark(first))
  await restart(second, () => writers.more(between))
  await everyoneAt(await mark(second))
  await writers.stop()
  const to = await mark(first)
  await everyoneAt(to)
  for (const follower of followers) follower.close()

  const history = await committedHistory(etcd, from, to)
  expectOnce(history, writers)
  const lines = history.map(({ line }) => line)
  for (const { events, problems } of followers) {
    expect(problems).toEqual([])
    expect(events).toEqual(lines)
  }
})

it('one API server loses no acknowledged write and does none twice, when it and etcd are killed in the middle of them', async () => {
  const writes = full ? 10_000 : 300
  const [server] = servers
  const from = await mark(server)
  const writers = startWriters([server], 16, 'b')
  await writers.more(writes / 3)
  await Promise.all([restart(server), restart(etcd)])
  await writers.more(writes / 3)
  await restart(etcd)
  await writers.more(writes / 3)
  await writers.stop()
  expectOnce(await committedHistory(etcd, from, await mark(server)), writers)
})

it('while etcd is away reads from memory go on, all else fails, /readyz says so, and it goes on by itself', async () => {
  const { endpoint, tls } = etcd
  const store = new EtcdStore({ endpoints: [endpoint], tls, logger: silentLogger, callTimeoutMs: 1_000 })
  const server = await startTestServer({ store })
  const call = createHttpClient(server)
  const statuses = async (...calls: Parameters<Client>[]) => {
    const codes: number[] = []
    for (const parameters of calls) codes.push((await call(...parameters)).code)
    return codes
  }
  const create = (name: string) => call('POST', MAPS, { body: { metadata: { name } } })
  const made = await create('away')
  const watch = await openWatch(server, `${MAPS}?watch=1&resourceVersion=${String(made.json.metadata.resourceVersion)}`)

  await etcd.kill()
  const reads: Parameters<Client>[] = [
    ['GET', `${MAPS}/away?resourceVersion=0`],
    ['GET', `${MAPS}?resourceVersion=0`],
    ['GET', '/version'],
    ['GET', '/apis'],
  ]
  expect(await statuses(...reads)).toEqual([200, 200, 200, 200])
  const others: Parameters<Client>[] = [
    ['GET', `${MAPS}/away`],
    ['GET', MAPS],
    ['POST', MAPS, { body: { metadata: { name: 'never' } } }],
    ['PATCH', `${MAPS}/away`, { body: { data: { a: 'b' } }, headers: MERGE_PATCH }],
    ['DELETE', `${MAPS}/away`],
  ]
  // Together, as each takes the whole time that a call may.
  for (const { code } of await Promise.all(others.map((other) => call(...other)))) expect([500, 504]).toContain(code)
  const ready = await call('GET', '/readyz')
  expect([ready.code, ready.text]).toEqual([500, expect.stringContaining('[-]etcd failed')])
  expect(await statuses(...reads)).toEqual([200, 200, 200, 200])

  await etcd.start()
  // 409: it was committed the time before, and only its answer came too late.
  while (![201, 409].includes((await create('again')).code));
  expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'again' } } })
  while ((await call('GET', '/readyz')).code !== 200);
  expect(await statuses(['GET', `${MAPS}/away`], ['DELETE', `${MAPS}/away`], ['GET', `${MAPS}/never`])).toEqual([200, 200, 404])
  watch.close()
  await server.stop()
})

describe('a write that was committed, and then lost its answer', () => {
  /** As an etcd that dies between the two. */
  class ForgetfulStore extends MemoryStore {
    forgetful = false

    override async update(...parameters: Parameters<MemoryStore['update']>) {
      return this.answered(await super.update(...parameters))
    }

    override async delete(...parameters: Parameters<MemoryStore['delete']>) {
      return this.answered(await super.delete(...parameters))
    }

    private answered<T>(result: T): T {
      if (!this.forgetful) return result
      this.forgetful = false
      throw timeout('the store did not answer')
    }
  }
  const store = new ForgetfulStore()
  let server: TestServer
  let call: Client
  beforeAll(async () => {
    server = await startTestServer({ store })
    call = createHttpClient(server)
  })
  afterAll(() => server.stop())

  const cases: [string, Parameters<Client>][] = [
    [
      'a patch',
      ['PATCH', `${MAPS}/a`, { body: [{ op: 'add', path: '/metadata/finalizers/-', value: 'x.y/z' }], headers: JSON_PATCH }],
    ],
    ['a replacement', ['PUT', `${MAPS}/a`, { body: { metadata: { name: 'a', finalizers: ['x.y/a'] }, data: { new: 'yes' } } }]],
    ['a mark of deletion', ['DELETE', `${MAPS}/a`]],
    ['the deletion', ['PATCH', `${MAPS}/a`, { body: { metadata: { finalizers: null } }, headers: MERGE_PATCH }]],
    ['a deletion at once', ['DELETE', `${MAPS}/b`]],
    ['a binding', ['POST', '/api/v1/namespaces/default/pods/p/binding', { body: { target: { kind: 'Node', name: 'n' } } }]],
  ]

  it('is not made again: the client is told that nobody knows', async () => {
    await call('POST', MAPS, { body: { metadata: { name: 'a', finalizers: ['x.y/a'] } } })
    await call('POST', MAPS, { body: { metadata: { name: 'b' } } })
    const containers = [{ name: 'c', image: 'i' }]
    await call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'p' }, spec: { containers } } })
    for (const [what, parameters] of cases) {
      const before = store.revision()
      store.forgetful = true
      const { code, json } = await call(...parameters)
      expect([what, code, String(json.reason)]).toEqual([what, 504, 'Timeout'])
      expect([what, store.revision()]).toEqual([what, before + 1])
    }
  })
})
