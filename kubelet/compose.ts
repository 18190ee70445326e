/** Puts the kubelet together from its settings: what main.ts runs on a node and tests run in-process. */
import type { KubeObject } from '../api/object.ts'
import type { ApiClient } from '../client/api-client.ts'
import { createEventRecorder, type EventRecorder } from '../client/event-recorder.ts'
import type { Clock } from '../component/clock.ts'
import { createHealth, type HealthCheck, ping } from '../component/health.ts'
import type { Logger } from '../component/logger.ts'
import { createMetrics, type Metrics } from '../component/metrics.ts'
import type { RenewedServing } from './certificates/kubelet-certificates.ts'
import { createContext, type SharedObjects } from './create-context.ts'
import { readMachine } from './node/machine.ts'
import { endPods, type ShutdownPeriods } from './node/node-shutdown.ts'
import type { MachineFacts } from './node/node-status.ts'
import { addAmounts, type Amounts, reservedForEviction } from './node/reserved.ts'
import { type Kubelet, startKubelet } from './kubelet.ts'
import { prepareMemoryRoot } from './memory-root.ts'
import { startLease } from './node/lease.ts'
import { createNodeReporter, type NodeReporter } from './node/node-reporter.ts'
import { createPaths } from './paths.ts'
import type { Cri } from './runtime/cri-client.ts'
import { createLinuxPlatform, type Platform } from './runtime/platform.ts'
import { createAuthorizer } from './server/authorize.ts'
import { countCalls } from './server/kubelet-metrics.ts'
import { type KubeletServer, startServer } from './server/server.ts'
import { createStats } from './server/stats.ts'
import { createEvictor, type EvictionSettings } from './eviction/evictor.ts'
import type { NodePressure } from './eviction/thresholds.ts'
import type { KubeletContext } from './kubelet-context.ts'
import { startCollector } from './garbage.ts'
import { createImageCollector } from './images/image-collector.ts'
import { rotateLogs } from './containers/log-rotation.ts'

export interface KubeletOptions {
  nodeName: string
  nodeIps: readonly string[]
  runtimeEndpoint: string
  /** Instead of containerd and this machine. */
  platform?: Platform | undefined
  rootDirectory: string
  podLogDirectory: string
  cgroupRoot: string
  clusterDns: readonly string[]
  clusterDomain: string
  podCidr?: string | undefined
  resolvConf: string
  address: string
  port: number
  tls: RenewedServing
  maxPods: number
  nodeLabels: Record<string, string>
  registerWithTaints: readonly string[]
  registerNode: boolean
  statusFrequencyMs: number
  providerId?: string | undefined
  containerLogMaxBytes: number
  containerLogMaxFiles: number
  containerLogMonitorMs?: number | undefined
  /** How many images are fetched at once; 0 is no bound. */
  maxParallelPulls?: number | undefined
  /** How long a pull goes on before it tells how far it is. */
  pullProgressAfterMs?: number | undefined
  /** Where the manifests of static pods are. */
  podManifestPath?: string | undefined
  fileCheckFrequencyMs?: number | undefined
  eviction?: EvictionSettings | undefined
  /** Percent of the disk of images; 100 switches their collection off. */
  imageGcHighPercent?: number | undefined
  imageGcLowPercent?: number | undefined
  /** What is not for pods, beside what eviction keeps free. */
  reserved?: Amounts | undefined
  podMaxPids?: number | undefined
  allowedSysctls?: readonly string[] | undefined
  shutdown?: ShutdownPeriods | undefined
  /** Instead of what this machine is. */
  machine?: MachineFacts | undefined
  /** Of the process as a whole, beside the kubelet's own. */
  processMetrics?: boolean | undefined
  /** Kubelets of one process watch what pods name once for all of them. */
  shared?: SharedObjects | undefined
}

const noEviction: EvictionSettings = { thresholds: [], transitionMs: 300_000, maxPodGraceSeconds: 0, intervalMs: 10_000 }

/** As upstream: events about the node carry its name for a UID. */
const nodeReference = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name } })

export interface RunningKubelet {
  kubelet: Kubelet
  server: KubeletServer
  metrics: Metrics
  stop(): Promise<void>
}

export async function composeKubelet(
  options: KubeletOptions,
  client: ApiClient,
  clock: Clock,
  logger: Logger,
): Promise<RunningKubelet> {
  const startedAt = clock.now()
  const stop = new AbortController()
  const base = await createBase(options, client, clock, logger)
  const { cri, metrics, machine } = base
  const node = createNode(base, () => evictor.pressures())
  const context = createContext({ ...options, ...base, allocatable: node.allocatable, signal: stop.signal })
  const evictor = createEvictor(context, options.eviction ?? noEviction, {
    pressureChanged: () => node.reportNow(),
    reclaiming: (resource) => base.tellNode('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`),
  })
  const images = createImageCollector({
    ...context,
    imageGcHighPercent: options.imageGcHighPercent ?? 85,
    imageGcLowPercent: options.imageGcLowPercent ?? 80,
    onFailure: (reason, message) => base.tellNode('Warning', reason, message),
  })
  limitPods(base)
  const policy = { allowedSysctls: options.allowedSysctls ?? [], appArmor: machine.appArmor }
  const kubelet = startKubelet(context, { ...options, policy, pressures: evictor.pressures })
  const server = await startServer({
    ...options,
    host: options.address,
    kubelet,
    cri,
    health: createHealth([ping, runtimeAnswers(cri)]),
    metrics,
    stats: createStats({ ...context, kubelet, rootDirectory: options.rootDirectory, startedAt, now: clock.now }),
    probeCounts: context.probeCounts,
    authorize: createAuthorizer(client, options.nodeName, clock),
    logger,
  })
  const loops = [
    node.run(server.port, stop.signal),
    startLease({ client, clock, logger, nodeName: options.nodeName }, stop.signal),
    startCollector(context, kubelet, images, stop.signal),
    evictor.run(kubelet, images, stop.signal),
    rotateLogs(context, kubelet, options, stop.signal),
  ]
  logger.info('kubelet started', { node: options.nodeName, port: server.port })
  return {
    kubelet,
    server,
    metrics,
    async stop() {
      await shutNodeDown(base, kubelet, node, context)
      stop.abort()
      await Promise.all([server.close(), kubelet.stop()])
      await Promise.all(loops)
      cri.close()
      base.platform.images.close()
      base.platform.content.close()
    },
  }
}

/** What everything else is made from. */
interface Base {
  options: KubeletOptions
  client: ApiClient
  clock: Clock
  logger: Logger
  platform: Platform
  /** The platform's, counted. */
  cri: Cri
  metrics: Metrics
  machine: MachineFacts
  recorder: EventRecorder
  /** An event about the node. */
  tellNode(type: 'Normal' | 'Warning', reason: string, message: string): void
}

async function createBase(options: KubeletOptions, client: ApiClient, clock: Clock, logger: Logger): Promise<Base> {
  const { nodeName, rootDirectory } = options
  const platform = options.platform ?? createLinuxPlatform(options.runtimeEndpoint, options.cgroupRoot, options.podMaxPids)
  const metrics = createMetrics({ processMetrics: options.processMetrics ?? true })
  const recorder = createEventRecorder({ client, clock, logger, component: 'kubelet', host: nodeName })
  await prepareMemoryRoot(createPaths(rootDirectory, options.podLogDirectory).memoryRoot, platform.mounts)
  return {
    options,
    client,
    clock,
    logger,
    platform,
    cri: countCalls(platform.cri, metrics, clock),
    metrics,
    machine: options.machine ?? readMachine(rootDirectory),
    recorder,
    tellNode: (type, reason, message) => recorder.event(nodeReference(nodeName), type, reason, message),
  }
}

function createNode(base: Base, pressures: () => ReadonlySet<NodePressure>): NodeReporter {
  const { machine, options } = base
  const { reserved = {}, eviction = noEviction } = options
  const capacity = { memory: machine.memoryBytes, 'ephemeral-storage': machine.diskBytes }
  const notForPods = addAmounts(reserved, reservedForEviction(eviction.thresholds, capacity))
  return createNodeReporter({ ...options, ...base, reserved: notForPods, pressures })
}

/** What is reserved for the machine itself, pods cannot take from it. */
function limitPods({ platform, machine, options: { reserved = {} } }: Base): void {
  platform.cgroups.limitAll({
    cpuMilli: machine.cpus * 1000 - (reserved.cpu ?? 0),
    memoryBytes: machine.memoryBytes - (reserved.memory ?? 0),
  })
}

const runtimeAnswers = (cri: Cri): HealthCheck => ({
  name: 'runtime',
  async check() {
    await cri.call('Version', {}, { timeoutMs: 2000 })
    return null
  },
})

/** Where the node goes down with its kubelet, its pods end first, each with the time that it is given. */
async function shutNodeDown(base: Base, kubelet: Kubelet, node: NodeReporter, context: KubeletContext): Promise<void> {
  const { shutdown } = base.options
  if (!shutdown || shutdown.totalMs <= 0) return
  base.logger.info('the node goes down: ending its pods', { ...shutdown })
  base.tellNode('Normal', 'NodeShutdown', 'Shutdown manager detected shutdown event')
  kubelet.refuse()
  await node.goingDown()
  await endPods(kubelet, context, shutdown)
  await base.recorder.flush()
}
