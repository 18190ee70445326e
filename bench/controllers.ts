/**
 * The controller manager on an API server and etcd of its own, with kubelets that are played by one writer of statuses.
 *
 * `node bench/controllers.ts` does all works at a tenth of their size, `--full` at full size; `--only` names some. Each work tells how
 * long it took and the CPU time of manager and API server: on a shared machine the second says more than the first.
 * `--peer /path/to/kube-controller-manager` is upstream's, which does the same works afterwards on the same API server.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Pod } from '../api/generated/types.ts'
import type { KindName } from '../api/kinds.ts'
import type { New } from '../api/object.ts'
import { loadClientConfig } from '../client/kubeconfig.ts'
import { createApiClient } from '../client/rest-client.ts'
import { waitFor } from '../client/wait-for.ts'
import { defineFlags, parseFlags } from '../component/flags.ts'
import { bundle } from '../scripts/bundle.ts'
import { startFakeKubelet, type FakeKubelet } from '../test/controllers/fake-kubelet.ts'
import { runManager, startManager, type ManagerProcess } from '../test/controllers/manager-process.ts'
import { startOwnServer } from './api/own-server.ts'

const { flags } = parseFlags(
  defineFlags({
    full: { type: 'bool', default: false, description: 'The sizes of the table in docs/performance-controllers.md.' },
    only: { type: 'list', default: [], description: 'Works: sets, rollout, namespace, latency, memory.' },
    peer: { type: 'string', description: "Upstream's kube-controller-manager, to be measured in the same run." },
  }),
  process.argv.slice(2),
  'bench/controllers.ts',
)

const size = (full: number) => (flags.full ? full : Math.ceil(full / 10))
const timeoutMs = 600_000
const clients = 16
const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-bench-controllers-'))
await bundle({ 'kube-controller-manager': 'controller-manager/main.ts' }, 'dist/bench')
const server = await startOwnServer(['--max-semi-space-size=16'])
const kubeconfig = path.join(folder, 'config')
writeFileSync(
  kubeconfig,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'bench',
    // A throw-away certificate on loopback.
    clusters: [{ name: 'bench', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token: server.token } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'admin' } }],
  }),
)
const client = createApiClient(await loadClientConfig({ path: kubeconfig }))
let manager: ManagerProcess | undefined
let kubelet: FakeKubelet | undefined

interface Contender {
  name: string
  start(): ManagerProcess
}

/** No leases of nodes are kept here. As the lab starts it otherwise. */
const ours: Contender = {
  name: 'kubelab',
  start: () =>
    startManager(
      kubeconfig,
      ['--controllers=*,-node-lifecycle-controller,-taint-eviction-controller'],
      ['--max-semi-space-size=8'],
      'dist/bench/kube-controller-manager.js',
    ),
}

/** Without its own limit on requests, which would be all that is measured. */
const upstream = (binary: string): Contender => ({
  name: 'upstream',
  start: () =>
    runManager([
      binary,
      ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map((flag) => `--${flag}=${kubeconfig}`),
      ...['--kube-api-qps=5000', '--kube-api-burst=5000', '--kube-api-content-type=application/json'],
      ...['--controllers=*,-nodelifecycle', '--leader-elect=false', '--port=0', '--secure-port=0'],
    ]),
})

const contenders = [ours, ...(flags.peer ? [upstream(flags.peer)] : [])]
let contender = ours
const start = () => contender.start()

const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
const memoryMb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

interface Measured {
  seconds: number
  /** Of the manager. */
  cpuSeconds: number
}
/** By contender and work. */
const results = new Map<string, Map<string, Measured>>()

async function measure(what: string, act: () => Promise<unknown>, count?: number): Promise<Measured> {
  const before = { manager: manager ? cpuSeconds(manager.pid) : 0, server: cpuSeconds(server.pids[0]!), at: performance.now() }
  await act()
  const seconds = (performance.now() - before.at) / 1000
  const ownCpu = manager ? cpuSeconds(manager.pid) - before.manager : 0
  const cpu = `CPU: ${manager ? `manager ${ownCpu.toFixed(2)} s, ` : ''}API server ${(cpuSeconds(server.pids[0]!) - before.server).toFixed(2)} s`
  const rate = count === undefined ? '' : `${Math.round(count / seconds)}/s`
  console.log(`${what.padEnd(60)} ${seconds.toFixed(2).padStart(7)} s  ${rate.padStart(8)}  ${cpu}`)
  const measured = { seconds, cpuSeconds: ownCpu }
  if (manager) results.get(contender.name)?.set(what, measured)
  return measured
}

async function inParallel(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: clients }, work))
}

const makeNamespace = async (name: string) => {
  await client.create('Namespace', { metadata: { name }, spec: {} })
  // No controller may run yet, and pods want one.
  await client.create('ServiceAccount', { metadata: { namespace: name, name: 'default' } }).catch(() => {})
  return name
}
const dropNamespace = async (name: string) => {
  await client.delete('Namespace', { name })
  await gone('Namespace', { name })
}
const gone = (kind: KindName, scope: { name?: string; namespace?: string }) =>
  waitFor(client, kind, { ...scope, timeoutMs }, (found) => found.length === 0)

const template = (app: string, image = 'web:1') => ({
  metadata: { labels: { app } } as never,
  spec: { containers: [{ name: 'c', image }] },
})
const podOf = (namespace: string, name: string): New<Pod> => ({
  metadata: { namespace, name, labels: { app: 'plain' } },
  spec: template('plain').spec as Pod['spec'],
})

/** Resolves when this many pods of the namespace fit, by the watch that the fake kubelet has anyway. */
function podsReach(count: number, fits: (pod: Pod) => boolean = () => true): Promise<void> {
  const { pods } = kubelet!
  return new Promise((resolve) => {
    const look = () => {
      if (pods.store.list(space).filter(fits).length !== count) return
      leave()
      resolve()
    }
    let due = false
    // Counting thousands at each of thousands of events would be most of the work.
    const later = () => {
      if (due) return
      due = true
      setTimeout(() => {
        due = false
        look()
      }, 5)
    }
    const leave = pods.addHandlers({ added: later, updated: later, deleted: later })
    later()
  })
}
let space = ''

async function sets(): Promise<void> {
  const count = size(1000)
  const each = 5
  const total = count * each
  space = await makeNamespace('plain')
  const own = await measure(
    `${total} pods created by ${clients} clients`,
    () => inParallel(total, (index) => client.create('Pod', podOf(space, `pod-${index}`))),
    total,
  )
  await inParallel(total, (index) => client.delete('Pod', { namespace: space, name: `pod-${index}` }, { gracePeriodSeconds: 0 }))

  space = await makeNamespace('sets')
  await inParallel(count, (index) =>
    client.create('ReplicaSet', {
      metadata: { namespace: space, name: `set-${index}` },
      spec: { replicas: each, selector: { matchLabels: { app: `a${index}` } }, template: template(`a${index}`) },
    }),
  )
  kubelet = startFakeKubelet(client)
  kubelet.setReporting(false)
  const first = new Promise<void>((resolve) => void kubelet!.pods.addHandlers({ added: () => resolve() }))
  manager = start()
  await first
  const theirs = await measure(`${total} pods created by ${count} replica sets`, () => podsReach(total), total)
  console.log(`${''.padEnd(60)} ${Math.round((100 * own.seconds) / theirs.seconds)} % of the API server's own rate`)

  const isReady = (wanted: number) =>
    waitFor(client, 'ReplicaSet', { namespace: space, timeoutMs }, (found) =>
      found.every(({ status }) => status?.readyReplicas === wanted && status.replicas === wanted),
    )
  await measure(
    'all of them ready',
    async () => {
      kubelet!.setReporting(true)
      await isReady(each)
    },
    total,
  )
  await measure(`${count} replica sets scaled to 3`, async () => {
    await inParallel(count, (index) =>
      client.patch(
        'ReplicaSet',
        { namespace: space, name: `set-${index}` },
        { spec: { replicas: 3 } },
        { type: 'application/merge-patch+json' },
      ),
    )
    await isReady(3)
  })
  await measure(`${count} replica sets deleted with their pods`, async () => {
    await inParallel(count, (index) => client.delete('ReplicaSet', { namespace: space, name: `set-${index}` }))
    await podsReach(0)
  })
  await dropNamespace('plain')
  await dropNamespace('sets')
}

async function rollout(): Promise<void> {
  const replicas = size(500)
  space = await makeNamespace('rollout')
  const key = { namespace: space, name: 'web' }
  const complete = () =>
    waitFor(client, 'Deployment', { ...key, timeoutMs }, ([found]) => {
      const { observedGeneration = 0, updatedReplicas, availableReplicas, replicas: all } = found?.status ?? {}
      const seen = observedGeneration >= (found?.metadata.generation ?? 0)
      return seen && [updatedReplicas, availableReplicas, all].every((count) => count === replicas)
    })
  await measure(`deployment of ${replicas} available`, async () => {
    await client.create('Deployment', {
      metadata: key,
      spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template('web') },
    })
    await complete()
  })
  await measure(`deployment of ${replicas} rolled over`, async () => {
    await client.patch(
      'Deployment',
      key,
      { spec: { template: template('web', 'web:2') } },
      { type: 'application/merge-patch+json' },
    )
    await complete()
  })
  await dropNamespace(space)
}

async function namespace(): Promise<void> {
  const each = size(500)
  space = await makeNamespace('full')
  await inParallel(each, async (index) => {
    await client.create('ConfigMap', { metadata: { namespace: space, name: `map-${index}` }, data: { a: 'b' } })
    await client.create('Secret', { metadata: { namespace: space, name: `secret-${index}` } })
    await client.create('Service', {
      metadata: { namespace: space, name: `service-${index}` },
      spec: { ports: [{ port: 80 }] },
    } as never)
    await client.create('Pod', podOf(space, `pod-${index}`))
  })
  await measure(`namespace with ${4 * each} objects deleted`, () => dropNamespace('full'))
}

/** From the moment that a watcher sees a pod's readiness change to the one when it sees the replica set's status changed. */
async function latency(): Promise<void> {
  space = await makeNamespace('quiet')
  const key = { namespace: space, name: 'one' }
  await client.create('ReplicaSet', {
    metadata: key,
    spec: { replicas: 1, selector: { matchLabels: { app: 'one' } }, template: template('one') },
  })
  await waitFor(client, 'ReplicaSet', { ...key, timeoutMs }, ([set]) => set?.status?.readyReplicas === 1)
  const [pod] = (await client.list('Pod', { namespace: space })).items
  const stop = new AbortController()
  const { metadata } = await client.list('ReplicaSet', { namespace: space })
  const seen = { pod: () => {}, set: () => {} }
  const follow = async (kind: 'Pod' | 'ReplicaSet', tell: () => void, resourceVersion: string) => {
    for await (const _ of client.watch(kind, { namespace: space, resourceVersion, signal: stop.signal })) tell()
  }
  const following = [
    follow('Pod', () => seen.pod(), metadata.resourceVersion),
    follow('ReplicaSet', () => seen.set(), metadata.resourceVersion),
  ]
  const times: number[] = []
  for (let round = 0; round < 20 + size(1000); round++) {
    const change = new Promise<number>((resolve) => (seen.pod = () => resolve(performance.now())))
    const written = new Promise<number>((resolve) => (seen.set = () => resolve(performance.now())))
    const conditions = [{ type: 'Ready', status: round % 2 === 0 ? 'False' : 'True' }]
    const options = { type: 'application/merge-patch+json', subresource: 'status' } as const
    await client.patch('Pod', { namespace: space, name: pod!.metadata.name }, { status: { conditions } }, options)
    const from = await change
    const to = await written
    // The first ones warm up what every later one finds ready.
    if (round >= 20) times.push(Math.max(0, to - from))
  }
  stop.abort()
  await Promise.allSettled(following)
  const at = (share: number) => times.toSorted((a, b) => a - b)[Math.floor(times.length * share)]!.toFixed(1)
  console.log(
    `${'pod event to the status write it causes, both as seen'.padEnd(60)} p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms`,
  )
  await dropNamespace(space)
}

async function memory(): Promise<void> {
  const count = size(20_000)
  space = await makeNamespace('many')
  const before = memoryMb(manager!.pid)
  await kubelet!.stop()
  await inParallel(count, (index) => client.create('Pod', podOf(space, `pod-${index}`)))
  console.log(
    `${`memory of the manager with ${count} more pods`.padEnd(60)} ${before.toFixed(0)} → ${memoryMb(manager!.pid).toFixed(0)} MB; API server ${server.memory().toFixed(0)} MB`,
  )
  if (contender !== contenders.at(-1)) await dropNamespace(space)
}

function compare(): void {
  for (const [what, own] of results.get('kubelab') ?? []) {
    const peer = results.get('upstream')?.get(what)
    if (!peer) continue
    const [time, cpu] = [own.seconds / peer.seconds, own.cpuSeconds / peer.cpuSeconds]
    console.log(`${what.padEnd(60)} ${time.toFixed(2)} x the time of upstream's with ${cpu.toFixed(2)} x the CPU`)
  }
}

const works = { sets, rollout, namespace, latency, memory }

async function perform(): Promise<void> {
  console.log(`--- ${contender.name}`)
  results.set(contender.name, new Map())
  for (const [name, work] of Object.entries(works)) {
    if (flags.only.length > 0 && !flags.only.includes(name)) continue
    if (name !== 'sets') {
      manager ??= start()
      kubelet ??= startFakeKubelet(client)
    }
    await work()
  }
  await stop()
}

async function stop(): Promise<void> {
  await manager?.kill()
  await kubelet?.stop()
  manager = undefined
  kubelet = undefined
}

try {
  for (contender of contenders) await perform()
  compare()
} finally {
  await stop()
  await client.close()
  await server.stop()
  rmSync(folder, { recursive: true })
}
