/** Registers the node and keeps its status true: at once when it changes, and every so often when it does not. */
import { KUBERNETES_VERSION } from '../../component/version.ts'
import { isDeepStrictEqual } from 'node:util'
import type { Node, NodeStatus, Taint } from '../../api/generated/types.ts'
import { isAlreadyExists, isNotFound } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { computeAllocatable, computeNodeLabels, computeNodeStatus, type MachineFacts, type RuntimeFacts } from './node-status.ts'
import type { NodePressure } from '../eviction/thresholds.ts'
import type { Amounts } from './reserved.ts'
import { type Cri, runtimeMessage } from '../runtime/cri-client.ts'

export interface NodeReporterOptions {
  nodeName: string
  nodeIps: readonly string[]
  machine: MachineFacts
  /** What is not for pods. */
  reserved: Amounts
  maxPods: number
  nodeLabels: Record<string, string>
  registerWithTaints: readonly string[]
  registerNode: boolean
  statusFrequencyMs: number
  podCidr?: string | undefined
  providerId?: string | undefined
  client: ApiClient
  cri: Cri
  clock: Clock
  logger: Logger
  recorder: Pick<EventRecorder, 'event'>
  pressures: () => ReadonlySet<NodePressure>
}

export interface NodeReporter {
  allocatable: Record<string, string>
  /** Looks, and tells, now. */
  reportNow(): void
  /** From now on the node is not ready; resolves once the API has been told, or could not be. */
  goingDown(): Promise<void>
  /** Resolves when the signal aborts. */
  run(port: number, signal: AbortSignal): Promise<void>
}

/** As upstream: a status that does not change is written this seldom; the lease says that the node lives. */
const reportMs = 300_000
const retryMs = 500

export function createNodeReporter(options: NodeReporterOptions): NodeReporter {
  const { client, cri, clock, logger, nodeName } = options
  const { machine } = options
  let runtimeVersion = ''
  let reportedMs = 0
  let hurry = new AbortController()
  let shuttingDown = false
  let servedPort = 0

  async function readRuntime(): Promise<RuntimeFacts> {
    try {
      if (!runtimeVersion) {
        const version = await cri.call('Version', {}, { timeoutMs: 5000 })
        runtimeVersion = `${version.runtimeName}://${version.runtimeVersion}`
      }
      const { status } = await cri.call('Status', {}, { timeoutMs: 5000 })
      const problems = (status?.conditions ?? []).filter((condition) => !condition.status)
      if (shuttingDown)
        problems.push({ type: 'NodeReady', status: false, reason: 'NodeShutdown', message: 'node is shutting down' })
      return { version: runtimeVersion, problems }
    } catch (error) {
      const message = `container runtime is down: ${runtimeMessage(error)}`
      return { version: runtimeVersion, problems: [{ type: 'RuntimeReady', reason: 'RuntimeDown', message }] }
    }
  }

  async function wantedStatus(before: NodeStatus | undefined, port: number): Promise<NodeStatus> {
    const [runtime, images] = await Promise.all([
      readRuntime(),
      cri.call('ListImages', {}).then(
        (answer) => answer.images,
        () => [],
      ),
    ])
    return computeNodeStatus(
      { ...options, machine, runtime, images, port, version: KUBERNETES_VERSION, pressures: options.pressures() },
      before,
      clock.now(),
    )
  }

  async function register(port: number): Promise<Node> {
    const labels = { ...computeNodeLabels(nodeName, machine.architecture), ...options.nodeLabels }
    const known = await find()
    if (!known) {
      if (!options.registerNode)
        throw new Error(`Cannot report node ${nodeName}: it is not registered, and --register-node is false`)
      const spec = {
        ...(options.podCidr ? { podCIDR: options.podCidr, podCIDRs: [options.podCidr] } : {}),
        ...(options.providerId ? { providerID: options.providerId } : {}),
        ...(options.registerWithTaints.length > 0 ? { taints: options.registerWithTaints.map(parseTaint) } : {}),
      }
      const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }
      const status = await wantedStatus(undefined, port)
      try {
        const node = await client.create('Node', { metadata: { name: nodeName, labels, annotations }, spec, status })
        options.recorder.event(node, 'Normal', 'Starting', 'Starting kubelet.')
        return node
      } catch (error) {
        if (!isAlreadyExists(error)) throw error
      }
    }
    const node = known ?? (await client.get('Node', { name: nodeName }))
    const missing = Object.entries(labels).filter(([name, value]) => node.metadata.labels?.[name] !== value)
    if (missing.length === 0) return node
    return client.patch(
      'Node',
      { name: nodeName },
      { metadata: { labels: Object.fromEntries(missing) } },
      { type: 'application/strategic-merge-patch+json' },
    )
  }

  async function find(): Promise<Node | undefined> {
    try {
      return await client.get('Node', { name: nodeName })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async function report(node: Node, port: number): Promise<Node> {
    const status = await wantedStatus(node.status, port)
    const fresh = Math.abs(clock.now().getTime() - reportedMs) < reportMs
    if (fresh && isDeepStrictEqual(withoutHeartbeat(status), withoutHeartbeat(node.status))) return node
    tellTransition(node, status)
    const updated = await client.patch(
      'Node',
      { name: nodeName },
      { status: toStatusPatch(status, node.status) },
      {
        type: 'application/strategic-merge-patch+json',
        subresource: 'status',
      },
    )
    reportedMs = clock.now().getTime()
    return updated
  }

  function tellTransition(node: Node, status: NodeStatus): void {
    const ready = (candidate: NodeStatus | undefined) => candidate?.conditions?.find(({ type }) => type === 'Ready')?.status
    if (ready(node.status) === ready(status)) return
    const reason = ready(status) === 'True' ? 'NodeReady' : 'NodeNotReady'
    options.recorder.event(node, 'Normal', reason, `Node ${nodeName} status is now: ${reason}`)
  }

  return {
    allocatable: computeAllocatable(machine, options.maxPods, options.reserved),
    reportNow: () => hurry.abort(),
    async goingDown() {
      shuttingDown = true
      try {
        await report(await client.get('Node', { name: nodeName }), servedPort)
      } catch (error) {
        logger.warn('cannot tell that the node goes down', { error: String(error) })
      }
    },
    async run(port, signal) {
      servedPort = port
      let registered = false
      while (!signal.aborted) {
        try {
          if (!registered) await register(port)
          registered = true
          const node = await report(await client.get('Node', { name: nodeName }), port)
          const ready = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
          // A node that waits for its network to come up is asked again soon.
          hurry = new AbortController()
          await clock.sleep(ready ? options.statusFrequencyMs : retryMs, AbortSignal.any([signal, hurry.signal]))
        } catch (error) {
          if (signal.aborted) return
          registered &&= !isNotFound(error)
          logger.warn('cannot report the node, trying again', { error: String(error) })
          await clock.sleep(retryMs, signal)
        }
      }
    },
  }
}

/** `key=value:Effect` */
function parseTaint(text: string): Taint {
  const [pair = '', effect = 'NoSchedule'] = text.split(':')
  const [key = '', value] = pair.split('=')
  return { key, effect, ...(value ? { value } : {}) }
}

/** In its own words: fields that others own, and the time, say nothing about a change. */
function withoutHeartbeat(status: NodeStatus | undefined): unknown {
  const { addresses, capacity, allocatable, daemonEndpoints, images, nodeInfo } = status ?? {}
  const conditions = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => {
    const { status: value, reason, message } = status?.conditions?.find((condition) => condition.type === type) ?? {}
    return { type, value, reason, message }
  })
  return { addresses, capacity, allocatable, daemonEndpoints, images, nodeInfo, conditions }
}

/** Addresses merge by type in this kind of patch: they are replaced as a whole. Resources that are no more are taken away. */
function toStatusPatch(status: NodeStatus, before: NodeStatus | undefined): object {
  const gone = Object.keys(before?.allocatable ?? {}).filter((name) => status.allocatable?.[name] === undefined)
  return {
    ...status,
    allocatable: { ...status.allocatable, ...Object.fromEntries(gone.map((name) => [name, null])) },
    ...(before?.addresses ? { addresses: [{ $patch: 'replace' }, ...(status.addresses ?? [])] } : {}),
  }
}
