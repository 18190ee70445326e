/**
 * The API server under load: create, get, list, patch, watch, delete; start-up time and memory of our own.
 *
 * `node bench/api.ts` starts our server on an etcd of its own. `--server URL --token T` measures one that runs;
 * `--peer URL --peer-token T` measures a second one in the same run and prints ratios, which is what counts on a shared machine.
 * Reads are driven by `wrk` when it is installed: a client in Node would be the slower part.
 */
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { defineFlags, parseFlags } from '../component/flags.ts'
import { createBenchClient, measure, rateOf, type BenchServer, type Rate } from './api/client.ts'
import { startOwnServer } from './api/own-server.ts'

const { flags } = parseFlags(
  defineFlags({
    clients: { type: 'int', description: 'Requests at once.', default: 16 },
    'node-options': { type: 'list', description: 'Options of Node for our server.', default: [] },
    only: { type: 'list', description: 'Works to do: create,get,list,patch,watch,delete.', default: [] },
    peer: { type: 'string', description: 'URL of a second server.', default: '' },
    'peer-token': { type: 'string', description: 'Its token.', default: '' },
    pods: { type: 'int', description: 'How many pods.', default: 2000 },
    profile: { type: 'string', description: "Folder for a CPU profile of our server's whole run.", default: '' },
    seconds: { type: 'int', description: 'Length of each read.', default: 3 },
    server: { type: 'string', description: 'URL of the server; ours is started without.', default: '' },
    token: { type: 'string', description: 'Its token.', default: '' },
    watchers: { type: 'int', description: 'How many watch at once.', default: 50 },
  }),
  process.argv.slice(2),
  'bench/api.ts',
)

const NAMESPACE = 'bench'
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`

const pod = (index: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `pod-${index}`, labels: { app: 'bench', group: `g${index % 10}` }, annotations: { note: 'x'.repeat(300) } },
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
})

type Results = Map<string, Rate>

async function prepare(server: BenchServer): Promise<void> {
  const client = createBenchClient(server, 4)
  await client.call('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } })
  // Upstream's admission wants the account that its controller would have made.
  await client.call('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: 'default' } })
  client.close()
}

async function run(server: BenchServer, results: Results): Promise<void> {
  const wanted = (name: string) => flags.only.length === 0 || flags.only.includes(name)
  const client = createBenchClient(server, flags.clients)
  const expect = async (status: number, ...call: Parameters<typeof client.call>) => {
    const answer = await client.call(...call)
    if (answer.status !== status)
      throw new Error(`${call[0]} ${call[1]}: ${answer.status} ${answer.body.toString().slice(0, 300)}`)
  }
  if (flags.pods > 0)
    results.set('create', await measure(flags.pods, flags.clients, (index) => expect(201, 'POST', PODS, pod(index))))
  if (wanted('get')) {
    results.set('get', await read(server, `${PODS}/pod-7`))
    results.set('get rv=0', await read(server, `${PODS}/pod-7?resourceVersion=0`))
  }
  if (wanted('list')) {
    results.set('list rv=0', await read(server, `${PODS}?resourceVersion=0`))
    results.set('list consistent', await read(server, PODS))
    results.set('list by label', await read(server, `${PODS}?labelSelector=group%3Dg3`))
  }
  if (wanted('patch')) {
    const patch = (index: number) => ({
      status: { conditions: [{ type: 'Ready', status: index % 2 ? 'True' : 'False' }], podIP: `10.0.0.${index % 250}` },
    })
    const type = 'application/strategic-merge-patch+json'
    const count = Math.min(flags.pods, 2000)
    results.set(
      'patch status',
      await measure(count, flags.clients, (index) =>
        expect(200, 'PATCH', `${PODS}/pod-${index % flags.pods}/status`, patch(index), type),
      ),
    )
  }
  if (wanted('watch')) await watchFanOut(server, results)
  results.set(
    'delete',
    await measure(flags.pods, flags.clients, (index) => expect(200, 'DELETE', `${PODS}/pod-${index}?gracePeriodSeconds=0`)),
  )
  client.close()
}

const hasWrk = (() => {
  try {
    execFileSync('wrk', ['-v'], { stdio: 'ignore' })
  } catch (error) {
    // wrk leaves with 1 after printing its version.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
  return true
})()

async function read(server: BenchServer, path: string): Promise<Rate> {
  if (!hasWrk) {
    const client = createBenchClient(server, flags.clients)
    const until = performance.now() + flags.seconds * 1000
    const times: number[] = []
    const begun = performance.now()
    const worker = async () => {
      while (performance.now() < until) {
        const start = performance.now()
        await client.call('GET', path)
        times.push(performance.now() - start)
      }
    }
    await Promise.all(Array.from({ length: flags.clients }, worker))
    client.close()
    return rateOf(times, performance.now() - begun)
  }
  const { stdout } = await promisify(execFile)('wrk', [
    '-t1',
    `-c${flags.clients}`,
    `-d${flags.seconds}s`,
    '--latency',
    '-H',
    `Authorization: Bearer ${server.token}`,
    server.url + path,
  ])
  if (/Non-2xx/.test(stdout)) throw new Error(`GET ${path}: ${stdout}`)
  const time = (share: string) => toMs(new RegExp(`${share}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout))
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0), p50: time('50'), p99: time('99') }
}

const toMs = (match: RegExpExecArray | null) => Number(match?.[1] ?? 0) * ({ us: 0.001, ms: 1, s: 1000 }[match?.[2] ?? 'ms'] ?? 1)

/** How long until the last watcher has seen a write, one write at a time; then how many events a second reach all of them. */
async function watchFanOut(server: BenchServer, results: Results): Promise<void> {
  const client = createBenchClient(server, flags.clients)
  let seen = 0
  let wake = () => {}
  let goal = 0
  const onLine = () => {
    if (++seen >= goal) wake()
  }
  const arrived = (count: number) =>
    new Promise<void>((resolve) => {
      goal = count
      wake = resolve
      if (seen >= goal) resolve()
    })
  const { body } = await client.call('GET', `${PODS}?limit=1`)
  const { resourceVersion } = (JSON.parse(body.toString()) as { metadata: { resourceVersion: string } }).metadata
  const ends = await Promise.all(
    Array.from({ length: flags.watchers }, () => client.watch(`${PODS}?watch=1&resourceVersion=${resourceVersion}`, onLine)),
  )
  const annotate = (index: number) =>
    client.call(
      'PATCH',
      `${PODS}/pod-${index % flags.pods}`,
      { metadata: { annotations: { round: String(Math.random()) } } },
      'application/merge-patch+json',
    )

  const times: number[] = []
  const begun = performance.now()
  for (let index = 0; index < 100; index++) {
    const before = seen
    const start = performance.now()
    const all = arrived(before + flags.watchers)
    await annotate(index)
    await all
    times.push(performance.now() - start)
  }
  results.set('watch: write to last', rateOf(times, performance.now() - begun))

  const writes = 600
  const start = performance.now()
  const all = arrived(seen + writes * flags.watchers)
  await measure(writes, flags.clients, async (index) => void (await annotate(index)))
  await all
  const elapsed = performance.now() - start
  results.set('watch: events', { perSecond: (writes * flags.watchers * 1000) / elapsed, p50: 0, p99: 0 })
  for (const end of ends) end()
  client.close()
}

function print(ours: Results, peer: Results | undefined): void {
  for (const [name, rate] of ours) {
    const other = peer?.get(name)
    const ratio = other
      ? `   peer ${other.perSecond.toFixed(0).padStart(7)}/s p50 ${other.p50.toFixed(2)}   ratio ${(rate.perSecond / other.perSecond).toFixed(2)}`
      : ''
    console.log(
      `${name.padEnd(22)} ${rate.perSecond.toFixed(0).padStart(8)}/s  p50 ${rate.p50.toFixed(2).padStart(7)} ms  p99 ${rate.p99.toFixed(2).padStart(7)} ms${ratio}`,
    )
  }
}

const own = flags.server
  ? undefined
  : await startOwnServer([...flags['node-options'], ...(flags.profile ? ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`] : [])])
const server: BenchServer = own ?? { name: 'server', url: flags.server, token: flags.token }
if (own) console.log(`ready after ${own.readyMs.toFixed(0)} ms, ${own.memory().toFixed(0)} MB`)
const ours: Results = new Map()
const peers: Results = new Map()
try {
  await prepare(server)
  await run(server, ours)
  if (own) console.log(`after the run ${own.memory().toFixed(0)} MB, ${own.cpu()} ms of CPU time`)
  if (flags.peer) {
    const peer = { name: 'peer', url: flags.peer, token: flags['peer-token'] }
    await prepare(peer)
    await run(peer, peers)
  }
  print(ours, flags.peer ? peers : undefined)
} finally {
  await own?.stop()
}
