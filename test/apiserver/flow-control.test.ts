/** Priority and fairness over HTTP: who is told apart by what, and that nobody is held up by who floods. */
import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseStaticTokens } from '../../apiserver/auth/authentication/static-tokens.ts'
import { createHttpClient, openWatch, type Client, type Json } from './http-client.ts'
import { ADMIN_TOKEN, startTestServer, type TestServer } from './start-server.ts'

const API = '/apis/flowcontrol.apiserver.k8s.io/v1'
const SCHEMAS = `${API}/flowschemas`
const LEVELS = `${API}/prioritylevelconfigurations`
const MAPS = '/api/v1/namespaces/default/configmaps'
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
const [SCHEMA_HEADER, LEVEL_HEADER] = ['x-kubernetes-pf-flowschema-uid', 'x-kubernetes-pf-prioritylevel-uid']

const account = (name: string) => `${name},system:serviceaccount:${name}:default,${name},system:serviceaccounts`

/** 49 seats: workload-low has 20 of them and lends 18, leader-election has 2. */
const SEATS = { maxRequestsInFlight: 25, maxMutatingRequestsInFlight: 24 }

let server: TestServer
let call: Client

beforeAll(async () => {
  server = await startTestServer({
    ...SEATS,
    staticTokens: parseStaticTokens(
      [
        `${ADMIN_TOKEN},admin,1,system:masters`,
        'leader,system:kube-controller-manager,2',
        'noxu,noxu,3',
        ...['eve', 'bob', 'ann'].map((name) => account(name).replace(/(system:serviceaccounts)$/, '"$1"')),
      ].join('\n'),
    ),
  })
  call = createHttpClient(server)
  await ready()
  const binding = {
    metadata: { name: 'tenants' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:serviceaccounts' }],
  }
  await call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { body: binding })
})
afterAll(() => server.stop())

const pause = () => new Promise((resolve) => setImmediate(resolve))

/** Asks until it is so: what is waited for is an event inside of the server, which nothing tells. */
async function until<T>(ask: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + 30_000; ; await pause()) {
    const value = await ask()
    if (isSo(value)) return value
    if (Date.now() > end) throw new Error(`Cannot wait any longer: it is ${JSON.stringify(value)}`)
  }
}

const ready = () =>
  until(
    () => call('GET', '/readyz'),
    ({ code }) => code === 200,
  )

const dangling = ({ status }: Json) => (status?.conditions as unknown as Json[] | undefined)?.[0]?.status

const limited = (name: string, limitedBy: object) => ({ metadata: { name }, spec: { type: 'Limited', limited: limitedBy } })

const schemaFor = (name: string, level: string, user: string) => ({
  metadata: { name },
  spec: {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: 500,
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: user } }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
      },
    ],
  },
})

describe('the default objects', () => {
  test('are there, and each schema says that its level is', async () => {
    const schemas = (await until(
      async () => (await call('GET', SCHEMAS)).json.items as unknown as Json[],
      (items) => items.every((item) => dangling(item) === ('False' as unknown)),
    )) as Json[]
    expect(schemas.map(({ metadata }) => metadata.name)).toEqual([
      'catch-all',
      'exempt',
      'global-default',
      'kube-controller-manager',
      'kube-scheduler',
      'kube-system-service-accounts',
      'probes',
      'service-accounts',
      'system-leader-election',
      'system-node-high',
      'system-nodes',
    ])
    expect(((await call('GET', LEVELS)).json.items as unknown as Json[]).map(({ metadata }) => metadata.name)).toEqual([
      'catch-all',
      'exempt',
      'global-default',
      'leader-election',
      'node-high',
      'system',
      'workload-high',
      'workload-low',
    ])
  })

  test('come back when somebody deletes or changes them, unless he says that it is his', async () => {
    const { json } = await call('GET', `${SCHEMAS}/probes`)
    await call('DELETE', `${SCHEMAS}/probes`)
    await until(
      () => call('GET', `${SCHEMAS}/probes`),
      (answer) => answer.code === 200 && answer.json.metadata.uid !== json.metadata.uid,
    )
    const patch = (spec: object, keep: string) =>
      call('PATCH', `${LEVELS}/system`, {
        body: { metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': keep } }, spec: { limited: spec } },
        headers: { 'content-type': 'application/merge-patch+json' },
      })
    const changed = await patch({ nominalConcurrencyShares: 31 }, 'true')
    const level = () => call('GET', `${LEVELS}/system`)
    await until(level, ({ json: { metadata } }) => metadata.resourceVersion !== changed.json.metadata.resourceVersion)
    expect((await level()).json.spec.limited).toMatchObject({ nominalConcurrencyShares: 30 })
    await patch({ lendablePercent: 34 }, 'false')
    // Whatever would put it right has looked at it by the time that it has put right the other.
    await call('DELETE', `${SCHEMAS}/exempt`)
    await until(
      () => call('GET', `${SCHEMAS}/exempt`),
      ({ code }) => code === 200,
    )
    expect((await level()).json.spec.limited).toMatchObject({ lendablePercent: 34 })
    await patch({ lendablePercent: 33 }, 'true')
  })

  test.each([
    [SCHEMAS, 'exempt', { matchingPrecedence: 2 }, "spec of 'exempt' must equal the fixed value"],
    [LEVELS, 'catch-all', { limited: { nominalConcurrencyShares: 6 } }, "spec of 'catch-all' must equal the fixed value"],
    [
      LEVELS,
      'exempt',
      { limited: { nominalConcurrencyShares: 6 } },
      "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value",
    ],
  ])('%s/%s cannot be made into something else', async (path, name, spec, message) => {
    const headers = { 'content-type': 'application/merge-patch+json' }
    const answer = await call('PATCH', `${path}/${name}`, { body: { spec }, headers })
    expect([answer.code, answer.json.message]).toEqual([422, expect.stringContaining(message) as unknown])
  })
})

describe('a request', () => {
  test('is told in its answer what it was counted as, refused or not', async () => {
    const level = await call('POST', LEVELS, { body: limited('own', { limitResponse: { type: 'Reject' } }) })
    const schema = await call('POST', SCHEMAS, { body: schemaFor('own', 'own', 'noxu') })
    await until(
      async () => (await call('GET', `${SCHEMAS}/own`)).json,
      (json) => dangling(json) === ('False' as unknown),
    )
    for (const [path, code] of [
      ['/version', 200],
      ['/api/v1/nodes', 403],
    ] as const) {
      const { headers, ...answer } = await call('GET', path, { token: 'noxu' })
      expect(answer.code).toBe(code)
      expect([headers[SCHEMA_HEADER], headers[LEVEL_HEADER]]).toEqual([schema.json.metadata.uid, level.json.metadata.uid])
    }
    await call('DELETE', `${LEVELS}/own`)
    await until(
      async () => (await call('GET', `${SCHEMAS}/own`)).json,
      (json) => dangling(json) === ('True' as unknown),
    )
    const other = await call('GET', '/version', { token: 'noxu' })
    expect(other.headers[SCHEMA_HEADER]).toBe((await call('GET', `${SCHEMAS}/global-default`)).json.metadata.uid)
    await call('DELETE', `${SCHEMAS}/own`)
  })

  test('is counted under upstream’s names', async () => {
    await call('GET', '/version', { token: 'leader' })
    const { text } = await call('GET', '/metrics')
    const labels = 'priority_level="workload-high",flow_schema="kube-controller-manager"'
    expect(text).toContain(`apiserver_flowcontrol_dispatched_requests_total{${labels}}`)
    expect(text).toContain(`apiserver_flowcontrol_current_executing_requests{${labels}} 0`)
    expect(text).toContain('apiserver_flowcontrol_current_executing_requests{priority_level="exempt",flow_schema="exempt"} 1')
    expect(text).toMatch(
      new RegExp(`apiserver_flowcontrol_request_wait_duration_seconds_count\\{${labels},execute="true"\\} \\d`),
    )
    expect(text).toContain('apiserver_flowcontrol_nominal_limit_seats{priority_level="workload-low"} 20')
  })

  test('that watches has its seat only until it has begun', async () => {
    const watches = await Promise.all(Array.from({ length: 3 }, () => openWatch(server, `${MAPS}?watch=1`)))
    const { text } = await call('GET', '/metrics')
    expect(text).toContain('apiserver_flowcontrol_current_executing_requests{priority_level="exempt",flow_schema="exempt"} 1')
    watches.forEach((watch) => watch.close())
  })
})

interface Held {
  /** Sends what was missing; resolves with the answer's code. */
  finish(): Promise<number>
  outgoing: ClientRequest
}

/** A write whose body does not end before it is told to: it has its seats for so long. */
function hold(token: string, name: string, query = ''): Held {
  const body = JSON.stringify({ metadata: { name } })
  const outgoing = httpsRequest({
    host: '127.0.0.1',
    port: server.port,
    ca: server.ca,
    method: 'POST',
    path: MAPS + query,
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  })
  outgoing.on('error', () => {})
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  answered.catch(() => {})
  outgoing.write(body.slice(0, 1))
  return {
    outgoing,
    async finish() {
      outgoing.end(body.slice(1))
      const [response] = await answered
      response.resume()
      return response.statusCode ?? 0
    },
  }
}

/** How many requests of a level run, and how many wait. */
async function atWork(level: string): Promise<{ waiting: number; executing: number }> {
  const { text } = await call('GET', '/debug/api_priority_and_fairness/dump_priority_levels')
  const row = text.split('\n').find((line) => line.startsWith(`${level},`))!
  const cells = row.split(',').map((cell) => cell.trim())
  return { waiting: Number(cells[4]), executing: Number(cells[5]) }
}

const untilAtWork = (level: string, expected: { waiting: number; executing: number }) =>
  until(
    () => atWork(level),
    ({ waiting, executing }) => waiting === expected.waiting && executing === expected.executing,
  )

/** One after the other, so that the first of them are those that run. */
async function flood(token: string, count: number): Promise<{ held: Held[]; waiting: number; executing: number }> {
  const held: Held[] = []
  let now = await atWork('workload-low')
  const before = now.waiting + now.executing
  for (let i = 1; i <= count; i++) {
    held.push(hold(token, `${token}-${i}`))
    now = await until(
      () => atWork('workload-low'),
      ({ waiting, executing }) => waiting + executing === before + i,
    )
  }
  return { held, ...now }
}

test('who floods a level holds up neither its other tenants nor an election', async () => {
  // Its 20 seats, and 10 that the others lend now. One tenant gets three quarters of that.
  const eve = await flood('eve', 40)
  expect([eve.executing, eve.waiting]).toEqual([23, 17])

  expect((await call('GET', MAPS, { token: 'ann' })).code).toBe(200)
  const lease = { metadata: { name: 'election' }, spec: { holderIdentity: 'me' } }
  let election = await call('POST', LEASES, { token: 'leader', body: lease })
  expect(election.code).toBe(201)

  const bob = await flood('bob', 20)
  expect([bob.executing, bob.waiting]).toEqual([30, 30])
  const late = call('GET', MAPS, { token: 'ann' })
  await untilAtWork('workload-low', { executing: 30, waiting: 31 })
  for (let i = 0; i < 10; i++) {
    election = await call('PUT', `${LEASES}/election`, { token: 'leader', body: election.json })
    expect(election.code).toBe(200)
  }

  // Seats go round: the one that came last is not behind all the others.
  const [answer] = await Promise.all([late, ...eve.held.slice(0, 4).map((held) => held.finish())])
  expect(answer.code).toBe(200)
  expect((await atWork('workload-low')).waiting).toBeGreaterThan(25)

  for (const { outgoing } of [...eve.held, ...bob.held]) outgoing.destroy()
  await untilAtWork('workload-low', { waiting: 0, executing: 0 })
})

test('a request waits a quarter of its time, or not at all where the queue is full, and is then told when to come again', async () => {
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 1 }
  const level = limited('narrow', {
    nominalConcurrencyShares: 1,
    borrowingLimitPercent: 0,
    limitResponse: { type: 'Queue', queuing },
  })
  await call('POST', LEVELS, { body: level })
  await call('POST', SCHEMAS, { body: schemaFor('narrow', 'narrow', 'system:serviceaccount:bob:default') })
  await until(
    async () => (await call('GET', `${SCHEMAS}/narrow`)).json,
    (json) => dangling(json) === ('False' as unknown),
  )
  const held = hold('bob', 'narrow')
  await untilAtWork('narrow', { waiting: 0, executing: 1 })

  const late = await call('GET', `${MAPS}?timeout=400ms`, { token: 'bob' })
  const waits = call('GET', MAPS, { token: 'bob' })
  await untilAtWork('narrow', { waiting: 1, executing: 1 })
  const refused = await call('GET', MAPS, { token: 'bob' })
  for (const { code, json, headers } of [late, refused]) {
    expect([code, json.reason, json.message]).toEqual([429, 'TooManyRequests', 'Too many requests, please try again later.'])
    expect(headers['retry-after']).toBe('1')
    expect(headers[LEVEL_HEADER]).toBe((await call('GET', `${LEVELS}/narrow`)).json.metadata.uid)
  }
  const { text } = await call('GET', '/metrics')
  for (const reason of ['time-out', 'queue-full'])
    expect(text).toContain(
      `apiserver_flowcontrol_rejected_requests_total{priority_level="narrow",flow_schema="narrow",reason="${reason}"} 1`,
    )

  expect([await held.finish(), (await waits).code]).toEqual([201, 200])
})

test('without priority and fairness the limits in flight are what they were, and nothing is classified', async () => {
  const plain = await startTestServer({ priorityAndFairness: false })
  try {
    const { code, headers } = await createHttpClient(plain)('GET', MAPS)
    expect([code, headers[SCHEMA_HEADER]]).toEqual([200, undefined])
    expect((await createHttpClient(plain)('GET', '/debug/api_priority_and_fairness/dump_queues')).code).toBe(404)
  } finally {
    await plain.stop()
  }
})
