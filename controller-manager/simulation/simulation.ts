/**
 * For tests: controllers on a cluster in memory whose watches come late and break, whose writes conflict and whose answers get
 * lost, in simulated time. Everything follows from a seed, so that a failure can be looked at again.
 */
import type { Node, Pod } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import { controllerOf, keyOf, type KubeObject } from '../../api/object.ts'
import { applyStrategicMergePatch } from '../../api/patch/strategic-merge.ts'
import { conflict, forbidden, internalError, isNotFound } from '../../api/status.ts'
import { formatMicroTime, formatTime } from '../../api/time.ts'
import type { ApiClient, WatchEvent } from '../../client/api-client.ts'
import { createMemoryApiClient, type MemoryApiClient } from '../../client/memory-api-client.ts'
import { createTestClock, type TestClock } from '../../component/clock.ts'
import { targetNode } from '../controllers/daemon-set/placement.ts'
import { isFinished } from '../pods.ts'
import { createPaths } from './simulated-paths.ts'

export interface Simulation {
  readonly clock: TestClock
  /** The state itself: reads and writes here are at once and never fail. */
  readonly server: MemoryApiClient
  /** What a controller of this name sees of it. */
  clientFor(controller: string): ApiClient
  readonly random: Random
  /** While true, watches lag and break, and one write in eight fails: before or after it was done. */
  faulty: boolean
  /** What the controllers wrote so far, events aside. */
  readonly writes: { by: string; what: string }[]
  /** Schedulers and kubelets go on for this long, looking around every `stepMs`. */
  pass(ms: number, stepMs?: number): Promise<void>
}

export interface Random {
  (): number
  below(count: number): number
  chance(probability: number): boolean
  pick<T>(values: readonly T[]): T
}

/** Mulberry32: enough to be different each time and the same for the same seed. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return Object.assign(next, {
    below,
    chance: (probability: number) => next() < probability,
    pick: <T>(values: readonly T[]): T => values[below(values.length)]!,
  })
}

export function createSimulation(seed: number): Simulation {
  const random = createRandom(seed)
  const clock = createTestClock('2025-11-20T00:00:00Z')
  let serial = 0
  const server = createMemoryApiClient({
    now: clock.now,
    // The first letters become part of generated names, so they must differ.
    uuid: () => `${(serial++).toString(36).padStart(5, '0')}-${random.below(2 ** 30).toString(36)}`,
    patchers: {
      'application/strategic-merge-patch+json': (object, patch) =>
        applyStrategicMergePatch(object as unknown as JsonObject, patch, object.kind) as unknown as KubeObject,
    },
  })
  const simulation: Simulation = {
    clock,
    server,
    random,
    faulty: true,
    writes: [],
    clientFor: (controller) => unreliable(simulation, controller),
    async pass(ms, stepMs = 1000) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await beNodes(simulation)
        await clock.advance(stepMs)
      }
    },
  }
  return simulation
}

function unreliable(simulation: Simulation, by: string): ApiClient {
  const { server, random, clock } = simulation
  const paths = createPaths(server, clock.now)
  /** A write may be refused, or done without the writer being told. */
  const write = async <T>(verb: string, kind: string, name: string, act: () => Promise<T>): Promise<T> => {
    const trouble = simulation.faulty ? random() : 1
    if (trouble < 0.06) throw conflict('', kind, name)
    if (trouble < 0.09) throw internalError('etcdserver: leader changed')
    const answer = await act()
    if (kind !== 'Event') simulation.writes.push({ by, what: `${verb} ${kind} ${name}` })
    if (trouble < 0.12) throw new Error('socket hang up')
    return answer
  }
  async function* late<T>(events: AsyncIterable<WatchEvent<T>>, signal: AbortSignal | undefined): AsyncGenerator<WatchEvent<T>> {
    for await (const event of events) {
      if (simulation.faulty && random.chance(0.2)) await clock.sleep(random.below(400), signal)
      yield event
      if (simulation.faulty && random.chance(0.01)) return
    }
  }
  return {
    ...server,
    watch: (kind, options) => late(server.watch(kind, options), options.signal),
    watchPath: (path, options) => late(paths.watchPath(path, options), options.signal) as never,
    // A review is a question.
    raw: (method, path, options) =>
      method === 'GET' || path.endsWith('reviews')
        ? paths.raw(method, path, options)
        : write(method, path, '', () => paths.raw(method, path, options)),
    create: (kind, object, options) =>
      write('create', kind, object.metadata.name ?? object.metadata.generateName ?? '', async () => {
        await refuseUnlessActive(server, object.metadata.namespace)
        return server.create(kind, object, options)
      }),
    update: (kind, object, options) => write('update', kind, object.metadata.name, () => server.update(kind, object, options)),
    patch: (kind, key, patch, options) => write('patch', kind, key.name, () => server.patch(kind, key, patch, options)),
    delete: (kind, key, options) => write('delete', kind, key.name, () => server.delete(kind, key, options)),
    createSubresource: (kind, key, subresource, body, options) =>
      write(subresource, kind, key.name, () => server.createSubresource(kind, key, subresource, body, options)),
  }
}

/** As admission does. */
async function refuseUnlessActive(server: MemoryApiClient, name: string | undefined): Promise<void> {
  if (name === undefined) return
  const { status } = await server.get('Namespace', { name })
  if (status?.phase !== 'Terminating') return
  const error = forbidden('', 'namespaces', name, 'it is being terminated')
  error.status.details = { ...error.status.details, causes: [{ reason: 'NamespaceTerminating', message: '', field: '' }] }
  throw error
}

/** What schedulers and kubelets do: place pods, run them, end them, and say that they are there. */
async function beNodes({ server, clock, random, faulty }: Simulation): Promise<void> {
  const nodes = (await server.list('Node')).items
  const alive = nodes.filter(({ metadata }) => metadata.labels?.['broken'] === undefined)
  const leases = new Set((await server.list('Lease')).items.map(keyOf))
  for (const node of alive) await beatHeart(server, node, clock.now(), leases)
  const usable = alive.filter(({ spec }) => !spec?.unschedulable && !spec?.taints?.length)
  for (const pod of (await server.list('Pod')).items) {
    if (isFinished(pod)) continue
    const name = pod.spec.nodeName ?? targetNode(pod)
    const node = name === undefined ? usable[random.below(usable.length)] : alive.find(({ metadata }) => metadata.name === name)
    if (!node || (faulty && random.chance(0.4))) continue
    if (!pod.spec.nodeName) await change(server, pod, { spec: { nodeName: node.metadata.name } })
    const status = nextStatus(pod, clock.now(), random, faulty)
    if (status !== pod.status) await change(server, pod, { status }, 'status')
  }
}

async function beatHeart(
  server: MemoryApiClient,
  { metadata, status }: Node,
  now: Date,
  leases: ReadonlySet<string>,
): Promise<void> {
  const key = { namespace: 'kube-node-lease', name: metadata.name }
  const renewTime = formatMicroTime(now)
  const renew = { spec: { holderIdentity: metadata.name, renewTime } }
  if (leases.has(keyOf({ metadata: key }))) await server.patch('Lease', key, renew, { type: 'application/merge-patch+json' })
  else await server.create('Lease', { metadata: key, ...renew })
  if (status?.conditions?.some(({ type, status: truth }) => type === 'Ready' && truth === 'True')) return
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastTransitionTime: formatTime(now) }]
  const options = { type: 'application/merge-patch+json', subresource: 'status' } as const
  await server.patch('Node', { name: metadata.name }, { status: { conditions } }, options)
}

function nextStatus(pod: Pod, now: Date, random: Random, faulty: boolean): Pod['status'] {
  const serial = Number.parseInt(pod.metadata.uid.slice(0, 5), 36)
  const podIP = `10.244.${(serial >> 8) & 255}.${serial & 255}`
  const time = formatTime(now)
  const mayEnd = controllerOf(pod)?.kind === 'Job' || (pod.spec.restartPolicy ?? 'Always') !== 'Always'
  if (pod.status?.phase === 'Running' && (mayEnd || (faulty && random.chance(0.02)))) {
    const exitCode = faulty && (!mayEnd || random.chance(0.3)) ? 1 : 0
    const state = { terminated: { exitCode, finishedAt: time } }
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: time }]
    const phase = exitCode === 0 ? 'Succeeded' : 'Failed'
    return { ...pod.status, phase, conditions, containerStatuses: [{ name: 'c', state } as never] }
  }
  if (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return pod.status
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: time }]
  return { ...pod.status, startTime: pod.status?.startTime ?? time, phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions }
}

/** One that went meanwhile needs no report. */
const change = (server: MemoryApiClient, { metadata: { namespace, name } }: Pod, patch: object, subresource?: string) =>
  server
    .patch('Pod', { namespace, name }, patch, { type: 'application/merge-patch+json', ...(subresource ? { subresource } : {}) })
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
