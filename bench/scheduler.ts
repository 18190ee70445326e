/**
 * Times the scheduler on hollow nodes: `node bench/scheduler.ts --kubeconfig FILE [--nodes 500] [--pods 2000] [--work plain,spread,affinity]`.
 *
 * Wants an API server with no other scheduler and no controllers: it creates the pods first, then starts a scheduler of its
 * own and counts from its first binding to its last, as the API server's watch shows them. `--live` creates them meanwhile.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Pod } from '../api/generated/types.ts'
import { isAlreadyExists, isNotFound } from '../api/status.ts'
import { createInformer } from '../client/informer.ts'
import { loadClientConfig } from '../client/kubeconfig.ts'
import { createApiClient } from '../client/rest-client.ts'
import { sourceOf } from '../client/shared-informers.ts'
import { systemClock as clock } from '../component/clock.ts'
import { silentLogger as logger } from '../component/logger.ts'
import { makeNode, makePod, type PodShape } from '../scheduler/testing.ts'

const { values } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    nodes: { type: 'string', default: '500' },
    pods: { type: 'string', default: '2000' },
    work: { type: 'string', default: 'plain,spread,affinity' },
    live: { type: 'boolean', default: false },
    /** Another implementation: its command line, to which --kubeconfig is added. */
    scheduler: { type: 'string' },
  },
})
if (!values.kubeconfig) throw new Error('Cannot start: --kubeconfig is missing')
const nodes = Number(values.nodes)
const pods = Number(values.pods)
const namespace = 'bench'
const zone = 'topology.kubernetes.io/zone'
const labelSelector = { matchLabels: { app: 'bench' } }

const shapes: Record<string, PodShape> = {
  plain: {},
  spread: { spread: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector }] },
  affinity: {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { labelSelector, topologyKey: 'kubernetes.io/hostname' } },
        ],
      },
    },
  },
}

const client = createApiClient(await loadClientConfig({ path: values.kubeconfig }), { connections: 16 })
const unless = (expected: (error: unknown) => boolean) => (error: unknown) => {
  if (!expected(error)) throw error
}

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

async function createNodes(): Promise<void> {
  await inParallel(nodes, async (index) => {
    const { metadata, spec, status } = makeNode(`hollow-${index}`, { zone: `zone-${index % 5}` })
    const { uid: _, ...named } = metadata
    await client.create('Node', { metadata: named, spec }).catch(unless(isAlreadyExists))
    const type = 'application/merge-patch+json'
    await client.patch('Node', { name: metadata.name }, { status }, { type, subresource: 'status' })
    // A new node is tainted not-ready until its kubelet speaks up; these have none.
    await client.patch('Node', { name: metadata.name }, { spec: { taints: null } }, { type })
  })
}

const createPods = (work: string): Promise<void> =>
  inParallel(pods, async (index) => {
    const { spec } = makePod('', { cpu: '100m', memory: '128Mi', ...shapes[work]! })
    await client.create('Pod', { metadata: { namespace, name: `${work}-${index}`, labels: { app: 'bench', work } }, spec })
  })

const deletePods = async (): Promise<void> => {
  const { items } = await client.list('Pod', { namespace })
  await inParallel(items.length, async (index) => {
    const { name } = items[index]!.metadata
    await client.delete('Pod', { namespace, name }, { gracePeriodSeconds: 0 }).catch(unless(isNotFound))
  })
}

function startScheduler(): ChildProcess {
  const [command = '', ...args] = values.scheduler
    ? values.scheduler.split(' ')
    : [
        process.execPath,
        path.resolve(import.meta.dirname, '../scheduler/main.ts'),
        '--leader-elect=false',
        '--secure-port=0',
        '--bind-address=127.0.0.1',
      ]
  const child = spawn(command, [...args, `--kubeconfig=${values.kubeconfig}`], { stdio: ['ignore', 'inherit', 'inherit'] })
  process.once('exit', () => child.kill('SIGKILL'))
  return child
}

/** Processor time and memory of the scheduler: what a busy machine does not distort. */
function usageOf(pid: number): string {
  // The command's name may hold blanks; fields count from behind it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  return `${(ticks / 100).toFixed(2)} s of CPU, ${Math.round(rss / 1024)} MB`
}

async function stopScheduler(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

async function measure(work: string): Promise<void> {
  const stop = new AbortController()
  const { promise: allBound, resolve } = Promise.withResolvers<void>()
  const times: number[] = []
  const informer = createInformer<Pod>(sourceOf(client, 'Pod', { namespace }), { name: work, clock, logger })
  const bound = (pod: Pod) => {
    if (!pod.spec.nodeName) return
    times.push(performance.now())
    if (times.length === pods) resolve()
  }
  informer.addHandlers({ added: bound, updated: (pod, old) => (old.spec.nodeName ? undefined : bound(pod)) })
  if (!values.live) await createPods(work)
  const following = informer.run(stop.signal)
  await informer.whenSynced()
  const began = performance.now()
  const scheduler = startScheduler()
  if (values.live) await createPods(work)
  await allBound
  const seconds = (times.at(-1)! - times[0]!) / 1000
  const fromStart = (times.at(-1)! - began) / 1000
  console.log(
    `${work.padEnd(9)} ${pods} pods on ${nodes} nodes: ${Math.round(pods / seconds)} pods/s (${seconds.toFixed(2)} s; ${fromStart.toFixed(2)} s from the scheduler's start)`,
  )
  console.log(`${''.padEnd(9)} scheduler: ${usageOf(scheduler.pid!)}`)
  await stopScheduler(scheduler)
  stop.abort()
  await following
  await deletePods()
}

// Leave no scheduler behind, however this ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
await client.create('Namespace', { metadata: { name: namespace }, spec: {} }).catch(unless(isAlreadyExists))
// No controllers run: the service account that pods are given is made here.
await client.create('ServiceAccount', { metadata: { namespace, name: 'default' } }).catch(unless(isAlreadyExists))
await createNodes()
await deletePods()
for (const work of values.work.split(',')) await measure(work)
await client.close()
