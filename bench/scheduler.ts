/**
 * Times schedulers on hollow nodes: `node bench/scheduler.ts [--nodes 500] [--pods 2000] [--shapes basic,zone-spread]
 * [--peer /path/to/kube-scheduler] [--live]`.
 *
 * Starts an etcd and an API server of its own, or takes those of `--kubeconfig` and `--token`, where no other scheduler and no
 * controllers may run. The pods of a shape are there first; then one scheduler after the other gets them, and what the API
 * server's watch shows is timed, from the first thing that it says of any pod to the last pod with a node. `--live` creates the
 * pods while it runs.
 * `--peer` is upstream's kube-scheduler, timed in the same run; `--peer-kubeconfig` makes it speak to the same server as another.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Pod } from '../api/generated/types.ts'
import { createInformer } from '../client/informer.ts'
import { loadClientConfig } from '../client/kubeconfig.ts'
import { createApiClient, type RestClient } from '../client/rest-client.ts'
import { sourceOf } from '../client/shared-informers.ts'
import { systemClock as clock } from '../component/clock.ts'
import { silentLogger as logger } from '../component/logger.ts'
import { startOwnServer } from './api/own-server.ts'
import { ownScheduler, startContender, upstreamScheduler, type Contender } from './scheduler/contender.ts'
import { createEarlierPods, createTimedPods, deletePods, isTimed, namespace, prepareCluster } from './scheduler/hollow-cluster.ts'
import { SHAPES, type Shape, type Sizes } from './scheduler/shapes.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '500' },
    pods: { type: 'string', default: '2000' },
    shapes: { type: 'string', default: SHAPES.map(({ name }) => name).join(',') },
    live: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
    token: { type: 'string' },
    peer: { type: 'string' },
    'peer-kubeconfig': { type: 'string' },
  },
})

interface Result {
  podsPerSecond: number
  cpuPerPod: number
  line: string
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
const ms = (value: number | undefined) => (value === undefined ? '?' : value < 10 ? value.toFixed(2) : value.toFixed(0))

/** Pods by node as they have become: even, or heaped. */
function describeSpread(perNode: ReadonlyMap<string, number>, nodes: number): string {
  const counts = [...perNode.values(), ...Array.from({ length: nodes - perNode.size }, () => 0)].sort((a, b) => a - b)
  const mean = counts.reduce((sum, count) => sum + count, 0) / nodes
  const deviation = Math.sqrt(counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / nodes)
  return `${counts[0]}..${counts.at(-1)} a node, deviation ${deviation.toFixed(2)}`
}

async function measure(client: RestClient, token: string, shape: Shape, sizes: Sizes, contender: Contender): Promise<Result> {
  const stop = new AbortController()
  const { promise: allBound, resolve } = Promise.withResolvers<void>()
  const createdAt = new Map<string, number>()
  const boundAt = new Map<string, number>()
  const perNode = new Map<string, number>()
  const informer = createInformer<Pod>(sourceOf(client, 'Pod', { namespace }), { name: shape.name, clock, logger })
  const seen = ({ metadata: { name }, spec: { nodeName } }: Pod) => {
    if (!nodeName || !isTimed(name) || boundAt.has(name)) return
    boundAt.set(name, performance.now())
    perNode.set(nodeName, (perNode.get(nodeName) ?? 0) + 1)
    if (boundAt.size === sizes.pods) resolve()
  }
  let first = 0
  const updated = (pod: Pod) => {
    if (isTimed(pod.metadata.name)) first ||= performance.now()
    seen(pod)
  }
  informer.addHandlers({ added: seen, updated })
  await createEarlierPods(client, shape, sizes)
  const create = () => createTimedPods(client, shape, sizes, (name) => createdAt.set(name, performance.now()))
  if (!values.live) await create()
  const following = informer.run(stop.signal)
  await informer.whenSynced()

  const scheduler = await startContender(contender)
  if (values.live) await create()
  await allBound
  const decisions = await scheduler.decisionTimes(token)
  const { cpuSeconds, memory } = scheduler.usage()
  await scheduler.stop()
  stop.abort()
  await following
  await deletePods(client)

  const times = [...boundAt.values()].sort((a, b) => a - b)
  const podsPerSecond = (1000 * sizes.pods) / (times.at(-1)! - first)
  // A pod that was there before waited for the scheduler to start: what counts is its wait behind others.
  const waits = Array.from(boundAt, ([name, at]) => at - Math.max(values.live ? createdAt.get(name)! : first, 0)).sort(
    (a, b) => a - b,
  )
  const line = [
    `${shape.name.padEnd(20)} ${contender.name.padEnd(9)} ${podsPerSecond.toFixed(0).padStart(5)} pods/s`,
    `decision p50 ${ms(decisions?.p50)} p99 ${ms(decisions?.p99)} ms`,
    `bound p50 ${ms(quantile(waits, 0.5))} p99 ${ms(quantile(waits, 0.99))} ms`,
    describeSpread(perNode, sizes.nodes),
    `${cpuSeconds.toFixed(2)} s of CPU, ${memory.toFixed(0)} MB`,
  ].join('; ')
  return { podsPerSecond, cpuPerPod: cpuSeconds / sizes.pods, line }
}

async function openServer(): Promise<{ kubeconfig: string; token: string; close(): Promise<void> }> {
  if (values.kubeconfig) return { kubeconfig: values.kubeconfig, token: values.token ?? '', close: async () => {} }
  const server = await startOwnServer(['--max-semi-space-size=16'])
  const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-bench-scheduler-'))
  const kubeconfig = path.join(folder, 'config')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'bench',
    clusters: [{ name: 'bench', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'bench', user: { token: server.token } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
  }
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 })
  const close = async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
  return { kubeconfig, token: server.token, close }
}

const sizes: Sizes = { nodes: Number(values.nodes), pods: Number(values.pods) }
const wanted = values.shapes.split(',')
const unknown = wanted.find((name) => !SHAPES.some((shape) => shape.name === name))
if (unknown) throw new Error(`Cannot measure shape ${unknown}: there are ${SHAPES.map(({ name }) => name).join(', ')}`)

const server = await openServer()
// Leave no server behind, however this ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close().then(() => process.exit(1)))
const client = createApiClient(await loadClientConfig({ path: server.kubeconfig }), { connections: 16 })
const contenders = [
  await ownScheduler(server.kubeconfig),
  ...(values.peer ? [upstreamScheduler(values.peer, values['peer-kubeconfig'] ?? server.kubeconfig)] : []),
]
await prepareCluster(client, sizes.nodes)
await deletePods(client)
console.log(`${sizes.pods} pods on ${sizes.nodes} nodes${values.live ? ', created meanwhile' : ''}`)
for (const shape of SHAPES.filter(({ name }) => wanted.includes(name))) {
  const results: Result[] = []
  for (const contender of contenders) {
    const result = await measure(client, server.token, shape, sizes, contender)
    console.log(result.line)
    results.push(result)
  }
  const [own, peer] = results
  if (own && peer) {
    const faster = (own.podsPerSecond / peer.podsPerSecond).toFixed(2)
    console.log(`${''.padEnd(20)} ratio     ${faster} x the pods/s with ${(own.cpuPerPod / peer.cpuPerPod).toFixed(2)} x the CPU`)
  }
}
await client.close()
await server.close()
