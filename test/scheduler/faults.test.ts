/**
 * Nodes come, go and change, the API server is killed, the leading scheduler is killed: every pod still gets one node and keeps it,
 * and etcd's history has no revision at which a node holds more than it has. `FULL=1`: 500 nodes and 2,000 pods.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { isAlreadyExists } from '../../api/status.ts'
import { createInformer } from '../../client/informer.ts'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { createApiClient, type RestClient } from '../../client/rest-client.ts'
import { sourceOf } from '../../client/shared-informers.ts'
import { waitFor } from '../../client/wait-for.ts'
import { systemClock as clock } from '../../component/clock.ts'
import { silentLogger as logger } from '../../component/logger.ts'
import { makeNode, makePod } from '../../scheduler/testing.ts'
import { createApiServerProcess, type ApiServerProcess } from '../apiserver/api-server-process.ts'
import { startEtcd, type EtcdProcess } from '../etcd-process.ts'
import { findBreaches, readPodHistory } from './pod-history.ts'
import { startScheduler, type SchedulerProcess } from './scheduler-process.ts'

const full = process.env.FULL === '1'
const nodes = full ? 500 : 12
/** In each of three waves. Six fit on a node: where little is left over, mistakes show. */
const wave = full ? 666 : 16
const perNode = 6
const timeoutMs = 100_000
const namespace = 'default'
const election = ['--leader-elect-lease-duration=4s', '--leader-elect-renew-deadline=3s', '--leader-elect-retry-period=500ms']

let etcd: EtcdProcess
let server: ApiServerProcess
let client: RestClient
const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-scheduler-'))
const kubeconfig = path.join(folder, 'config')
const schedulers: SchedulerProcess[] = []
const stop = new AbortController()

beforeAll(async () => {
  etcd = await startEtcd()
  server = await createApiServerProcess({ etcd })
  await server.start()
  const ca = Buffer.from(server.ca).toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: server.url, 'certificate-authority-data': ca } }],
    users: [{ name: 'admin', user: { token: server.token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
  }
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 })
  client = createApiClient(await loadClientConfig({ path: kubeconfig }), { connections: 8 })
})
afterAll(async () => {
  stop.abort()
  await Promise.all(schedulers.map((scheduler) => scheduler.kill()))
  await client.close()
  await server.stop()
  await etcd.stop()
  rmSync(folder, { recursive: true })
})

const merge = { type: 'application/merge-patch+json' as const }

async function addNode(name: string): Promise<void> {
  const { spec, status } = makeNode(name, { cpu: String(perNode) })
  await client.create('Node', { metadata: { name }, spec })
  await client.patch('Node', { name }, { status }, { ...merge, subresource: 'status' })
  // As the node lifecycle controller does once the kubelet says that it is ready.
  await client.patch('Node', { name }, { spec: { taints: null } }, merge)
}

/** Until the server takes it: it is being killed meanwhile. A create whose answer was lost is found to exist. */
async function create(name: string): Promise<void> {
  const { spec } = makePod(name, { cpu: '1' })
  for (;;) {
    try {
      await client.create('Pod', { metadata: { namespace, name }, spec })
      return
    } catch (error) {
      if (isAlreadyExists(error)) return
      await clock.sleep(50)
    }
  }
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

const createWave = (number: number) => inParallel(wave, (index) => create(`pod-${number}-${index}`))

/** Resolves when so many pods have a node, whatever happens to the server. */
function followBindings(): (count: number) => Promise<void> {
  const bound = new Set<string>()
  const waiting = new Set<{ count: number; resolve: () => void }>()
  const pods = createInformer<Pod>(sourceOf(client, 'Pod'), { name: 'pods', clock, logger })
  const look = ({ metadata, spec }: Pod) => {
    if (!spec.nodeName) return
    bound.add(metadata.uid)
    for (const each of waiting) if (bound.size >= each.count) each.resolve()
  }
  pods.addHandlers({ added: look, updated: look })
  void pods.run(stop.signal)
  return (count) =>
    new Promise((resolve) => {
      if (bound.size >= count) resolve()
      else waiting.add({ count, resolve })
    })
}

test('no pod is bound twice or lost, and no node is given more than it has', { timeout: 3 * timeoutMs }, async () => {
  await inParallel(nodes, (index) => addNode(`node-${index}`))
  const bound = followBindings()
  schedulers.push(startScheduler(kubeconfig, election))
  const lease = { namespace: 'kube-system', name: 'kube-scheduler', timeoutMs }
  await waitFor(client, 'Lease', lease, ([held]) => !!held?.spec.holderIdentity)
  schedulers.push(startScheduler(kubeconfig, election))

  // Nodes change while pods are placed.
  const first = createWave(1)
  await bound(Math.floor(wave / 4))
  await addNode('late')
  await client.patch('Node', { name: 'node-0' }, { spec: { unschedulable: true } }, merge)
  await client.patch('Node', { name: 'node-1' }, { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }, merge)
  await client.delete('Node', { name: 'node-2' })
  await first

  // The API server goes while pods are placed, and comes back.
  const second = createWave(2)
  await bound(wave + Math.floor(wave / 4))
  await server.kill()
  await server.start()
  await second

  // The leader goes in the middle of its work.
  const third = createWave(3)
  await bound(2 * wave + Math.floor(wave / 4))
  await schedulers[0]!.kill()
  await third
  await create('after')
  await bound(3 * wave + 1)

  const last = await client.patch('Pod', { namespace, name: 'after' }, { metadata: { labels: { last: 'yes' } } }, merge)
  const history = await readPodHistory(etcd, Number(last.metadata.resourceVersion))
  expect(findBreaches(history, () => 1000 * perNode)).toEqual([])
  const { items } = await client.list('Pod', { namespace })
  expect(items.filter(({ spec }) => !spec.nodeName)).toEqual([])
  expect(items).toHaveLength(3 * wave + 1)
})

test('after all that, nothing goes to nodes that are cordoned, tainted or gone', { timeout: timeoutMs }, async () => {
  // As many as there is room for, and one more: it has nowhere to go.
  const { items } = await client.list('Pod', { namespace })
  const closed = new Set(['node-0', 'node-1', 'node-2'])
  const used = items.filter(({ spec }) => !closed.has(spec.nodeName!)).length
  const room = (nodes - closed.size + 1) * perNode - used
  const names = Array.from({ length: room + 1 }, (_, index) => `filler-${index}`)
  await inParallel(names.length, (index) => create(names[index]!))
  const unplaced = (pods: Pod[]) => pods.filter(({ spec }) => !spec.nodeName)
  const told = (pod: Pod | undefined) => pod?.status?.conditions?.some(({ reason }) => reason === 'Unschedulable') ?? false
  const all = await waitFor(client, 'Pod', { namespace, timeoutMs }, (pods) => {
    const left = unplaced(pods)
    return pods.length === items.length + room + 1 && left.length === 1 && told(left[0])
  })
  const fillers = all.filter(({ metadata }) => metadata.name.startsWith('filler'))
  expect(fillers.filter(({ spec }) => spec.nodeName && closed.has(spec.nodeName))).toEqual([])
  const message = unplaced(all)[0]!.status!.conditions!.find(({ type }) => type === 'PodScheduled')!.message
  expect(message).toContain(
    `0/${nodes} nodes are available: 1 node(s) had untolerated taint {a: }, 1 node(s) were unschedulable, ${nodes - 2} Insufficient cpu.`,
  )
})
