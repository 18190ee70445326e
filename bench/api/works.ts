/** The works of the API bench, in the order in which they are done: each on one server, measured. */
import { countEvents, createBenchClient, rateOf, type BenchServer, type Rate } from './client.ts'
import { read, write, type Load } from './load.ts'

export interface Size extends Load {
  pods: number
  watchers: number
}

export interface Work {
  name: string
  /** What `--only` calls it; several works may share one. */
  group: string
  run(server: BenchServer, size: Size): Promise<Rate>
}

const podsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`
const PODS = podsOf('bench')

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'pod-{i}', labels: { app: 'bench', group: 'g{digit}' }, annotations: { note: 'x'.repeat(300) } },
  spec: {
    containers: [
      {
        name: 'main',
        image: 'docker.io/library/web:1',
        env: [{ name: 'A', value: 'b' }],
        ports: [{ containerPort: 8080 }],
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
      },
    ],
    tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
  },
}

/** One in ten. */
const BY_LABEL = `${PODS}?labelSelector=group%3Dg3`

export const WORKS: readonly Work[] = [
  { name: 'create', group: 'create', run: (server, size) => create(server, size, 'bench', size.pods) },
  { name: 'get', group: 'get', run: (server, size) => read(server, size, `${PODS}/pod-7`) },
  { name: 'get rv=0', group: 'get', run: (server, size) => read(server, size, `${PODS}/pod-7?resourceVersion=0`) },
  { name: 'list rv=0', group: 'list', run: (server, size) => read(server, size, `${PODS}?resourceVersion=0`) },
  { name: 'list consistent', group: 'list', run: (server, size) => read(server, size, PODS) },
  { name: 'list by label', group: 'list', run: (server, size) => read(server, size, BY_LABEL) },
  { name: 'patch status', group: 'patch', run: (server, size) => patch(server, size, 'bench', Math.min(size.pods, 2000)) },
  { name: 'watch: write to last', group: 'watch', run: writeToLast },
  { name: 'watch: events', group: 'watch', run: eventsASecond },
  { name: 'delete', group: 'delete', run: (server, size) => remove(server, size, 'bench', size.pods) },
]

const create = (server: BenchServer, load: Load, namespace: string, count: number) =>
  write(server, load, { method: 'POST', path: podsOf(namespace), body: pod, status: 201, count })

/** A patch that says what the last one said would change nothing, and be no event. */
let round = 0

const patch = (server: BenchServer, load: Load, namespace: string, count: number) =>
  write(server, load, {
    method: 'PATCH',
    path: `${podsOf(namespace)}/pod-{i}/status`,
    body: {
      status: { conditions: [{ type: 'Ready', status: 'True', message: `${++round}: {i}` }], podIP: '10.0.0.1' },
    },
    contentType: 'application/strategic-merge-patch+json',
    status: 200,
    count,
  })

const remove = (server: BenchServer, load: Load, namespace: string, count: number) =>
  write(server, load, {
    method: 'DELETE',
    path: `${podsOf(namespace)}/pod-{i}?gracePeriodSeconds=0`,
    status: 200,
    count,
  })

/** The namespaces, and some work that is not measured: both a compiler at run time and a connection pool begin cold. */
export async function prepare(server: BenchServer, load: Load, warmUp: number): Promise<void> {
  const client = createBenchClient(server, 1)
  for (const name of ['bench', 'warm-up']) {
    await client.call('POST', '/api/v1/namespaces', { metadata: { name } })
    // Upstream's admission wants the account that its controller would have made.
    await client.call('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } })
  }
  client.close()
  if (warmUp === 0) return
  await create(server, load, 'warm-up', warmUp)
  await patch(server, load, 'warm-up', warmUp)
  await read(server, { ...load, seconds: 1 }, `${podsOf('warm-up')}/pod-1`)
  await remove(server, load, 'warm-up', warmUp)
}

/** How long from a write to its arrival at the last of the watchers, one write at a time. */
function writeToLast(server: BenchServer, size: Size): Promise<Rate> {
  return withWatchers(server, size, async (annotate, arrived) => {
    const times: number[] = []
    const begun = performance.now()
    for (let index = 0; index < Math.min(1000, size.pods); index++) {
      const start = performance.now()
      const all = arrived(1)
      await annotate(index)
      await all
      times.push(performance.now() - start)
    }
    return rateOf(times, performance.now() - begun)
  })
}

/** Events that reach a watcher, of all watchers together. */
function eventsASecond(server: BenchServer, size: Size): Promise<Rate> {
  const writes = Math.min(1000, size.pods)
  return withWatchers(server, size, async (_, arrived) => {
    const start = performance.now()
    const all = arrived(writes)
    await patch(server, size, 'bench', writes)
    await all
    const elapsed = performance.now() - start
    const count = writes * size.watchers
    return { count, perSecond: (count * 1000) / elapsed, p50: 0, p99: 0 }
  })
}

type Annotate = (index: number) => Promise<unknown>

/** `arrived(n)` resolves when every watcher has seen n more events than when it was called. */
async function withWatchers(
  server: BenchServer,
  { watchers, pods }: Size,
  work: (annotate: Annotate, arrived: (events: number) => Promise<void>) => Promise<Rate>,
): Promise<Rate> {
  const client = createBenchClient(server, 1)
  let seen = 0
  let goal = 0
  let wake = () => {}
  let fail: (error: Error) => void = () => {}
  const { body } = await client.call('GET', `${PODS}?limit=1`)
  const { resourceVersion } = (JSON.parse(body.toString()) as { metadata: { resourceVersion: string } }).metadata
  const path = `${PODS}?watch=1&resourceVersion=${resourceVersion}`
  const onEvents = (count: number) => {
    seen += count
    if (seen >= goal) wake()
  }
  const ends = await Promise.all(
    Array.from({ length: watchers }, () => countEvents(server, path, onEvents, (error) => fail(error))),
  )
  const arrived = (events: number) =>
    new Promise<void>((resolve, reject) => {
      goal = seen + events * watchers
      wake = resolve
      fail = reject
    })
  const annotate = (index: number) =>
    client.call(
      'PATCH',
      `${PODS}/pod-${index % pods}`,
      { metadata: { annotations: { round: String(Math.random()) } } },
      'application/merge-patch+json',
    )
  try {
    return await work(annotate, arrived)
  } finally {
    for (const end of ends) end()
    client.close()
  }
}
