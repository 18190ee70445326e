/** Registers the node and keeps its status true: at once when it changes, and every so often when it does not. */
import { isDeepStrictEqual } from 'node:util'
import type { Node, NodeStatus } from '../../api/generated/types.ts'
import { isNotFound } from '../../api/status.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { KUBERNETES_VERSION } from '../../component/version.ts'
import type { NodePressure } from '../eviction/thresholds.ts'
import type { Cri } from '../runtime/cri-client.ts'
import { computeAllocatable, computeNodeStatus } from './node-status.ts'
import { type NodeRegistration, registerNode } from './register-node.ts'
import type { Amounts } from './reserved.ts'
import { createRuntimeQuestions } from './runtime-facts.ts'

export interface NodeReporterOptions extends NodeRegistration {
  nodeIps: readonly string[]
  /** What is not for pods. */
  reserved: Amounts
  maxPods: number
  statusFrequencyMs: number
  cri: Cri
  clock: Clock
  logger: Logger
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

/** As upstream says it. */
const goingDownProblem = { type: 'NodeReady', reason: 'NodeShutdown', message: 'node is shutting down' }

export function createNodeReporter(options: NodeReporterOptions): NodeReporter {
  const { client, clock, logger, nodeName, recorder } = options
  const ask = createRuntimeQuestions(options.cri)
  let reportedMs = 0
  let hurry = new AbortController()
  let isGoingDown = false
  let port = 0

  async function currentStatus(before: NodeStatus | undefined): Promise<NodeStatus> {
    const [{ version, problems }, images] = await Promise.all([ask.facts(), ask.images()])
    const runtime = { version, problems: isGoingDown ? [...problems, goingDownProblem] : problems }
    const facts = { ...options, runtime, images, port, version: KUBERNETES_VERSION, pressures: options.pressures() }
    return computeNodeStatus(facts, before, clock.now())
  }

  /** Answers the node as the API has it then. */
  async function report(): Promise<Node> {
    const node = await client.get('Node', { name: nodeName })
    const status = await currentStatus(node.status)
    const isFresh = Math.abs(clock.now().getTime() - reportedMs) < reportMs
    if (isFresh && isDeepStrictEqual(withoutHeartbeat(status), withoutHeartbeat(node.status))) return node
    if (readiness(node.status) !== readiness(status)) {
      const reason = readiness(status) === 'True' ? 'NodeReady' : 'NodeNotReady'
      recorder.event(node, 'Normal', reason, `Node ${nodeName} status is now: ${reason}`)
    }
    const patch = { status: toStatusPatch(status, node.status) }
    const type = 'application/strategic-merge-patch+json'
    const updated = await client.patch('Node', { name: nodeName }, patch, { type, subresource: 'status' })
    reportedMs = clock.now().getTime()
    return updated
  }

  async function run(signal: AbortSignal): Promise<void> {
    let isRegistered = false
    while (!signal.aborted) {
      try {
        if (!isRegistered) await registerNode(options, () => currentStatus(undefined))
        isRegistered = true
        const node = await report()
        // A node that waits for its network to come up is asked again soon.
        hurry = new AbortController()
        const waitMs = readiness(node.status) === 'True' ? options.statusFrequencyMs : retryMs
        await clock.sleep(waitMs, AbortSignal.any([signal, hurry.signal]))
      } catch (error) {
        if (signal.aborted) return
        isRegistered &&= !isNotFound(error)
        logger.warn('cannot report the node, trying again', { error: String(error) })
        await clock.sleep(retryMs, signal)
      }
    }
  }

  return {
    allocatable: computeAllocatable(options.machine, options.maxPods, options.reserved),
    reportNow: () => hurry.abort(),
    async goingDown() {
      isGoingDown = true
      await report().catch((error: unknown) => logger.warn('cannot tell that the node goes down', { error: String(error) }))
    },
    run(servedPort, signal) {
      port = servedPort
      return run(signal)
    },
  }
}

const readiness = (status: NodeStatus | undefined): string | undefined =>
  status?.conditions?.find(({ type }) => type === 'Ready')?.status

/** In its own words: fields that others own, and the time, say nothing about a change. The API keeps no list of no images. */
function withoutHeartbeat(status: NodeStatus | undefined): unknown {
  const { addresses, capacity, allocatable, daemonEndpoints, images = [], nodeInfo } = status ?? {}
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
