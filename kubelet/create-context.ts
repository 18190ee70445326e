/** Builds what the workers share from the kubelet's settings. */
import { readFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import type { Service } from '../api/generated/types.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { createInformer } from '../client/informer.ts'
import { sourceOf } from '../client/shared-informers.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import { parseResolvConf } from './dns.ts'
import { createImagePuller } from './images/image-puller.ts'
import type { KubeletContext } from './kubelet-context.ts'
import { createLimit } from './limit.ts'
import { createPaths } from './paths.ts'
import { createPodEvents } from './pods/pod-events.ts'
import { createMessageReader } from './containers/read-termination-message.ts'
import type { Cri } from './runtime/cri-client.ts'
import type { Platform } from './runtime/platform.ts'
import { createProbeCounts } from './probes/probe-counts.ts'
import { measureStarts } from './server/kubelet-metrics.ts'
import { createPodRuntimeReader } from './runtime/pod-runtime.ts'
import { createStatusWriter } from './status/status-writer.ts'
import { createWatchedObjects } from './objects/watched-objects.ts'

export interface ContextOptions {
  nodeName: string
  nodeIps: readonly string[]
  client: ApiClient
  platform: Platform
  cri: Cri
  clock: Clock
  logger: Logger
  recorder: Pick<EventRecorder, 'event'>
  rootDirectory: string
  podLogDirectory: string
  clusterDns: readonly string[]
  clusterDomain: string
  /** The node's own resolver configuration. */
  resolvConf: string
  allocatable: Record<string, string>
  metrics: Metrics
  maxParallelPulls?: number | undefined
  /** How long a pull goes on before it tells how far it is. */
  pullProgressAfterMs?: number | undefined
  shared?: SharedObjects | undefined
  /** Ends the informers. */
  signal: AbortSignal
}

/** What several kubelets may look at together. */
export type SharedObjects = Pick<KubeletContext, 'services' | 'watched'>

export const createSharedObjects = (options: Pick<ContextOptions, 'client' | 'clock' | 'logger' | 'signal'>): SharedObjects => ({
  services: createServices(options),
  watched: createWatchedObjects(options.client, options),
})

const sandboxesAtOnce = 6

export function createContext(options: ContextOptions): KubeletContext {
  const { client, cri, clock, logger, nodeName, nodeIps, clusterDns, clusterDomain } = options
  const paths = createPaths(options.rootDirectory, options.podLogDirectory)
  const events = createPodEvents(options.recorder)
  const { services, watched } = options.shared ?? createSharedObjects(options)
  return {
    nodeName,
    nodeIps,
    client,
    platform: options.platform,
    cri,
    clock,
    logger,
    events,
    paths,
    services,
    cgroups: options.platform.cgroups,
    images: createImagePuller({
      cri,
      content: options.platform.content,
      clock,
      logger,
      events,
      maxParallelPulls: options.maxParallelPulls,
      progressAfterMs: options.pullProgressAfterMs,
    }),
    reader: createPodRuntimeReader(cri, createMessageReader(paths)),
    statuses: measureStarts(createStatusWriter({ client, clock, logger }), options.metrics, clock),
    probeCounts: createProbeCounts(),
    watched,
    dns: () => ({ clusterDns, clusterDomain, node: parseResolvConf(readOr(options.resolvConf, '')) }),
    nodeHosts: () => readFile('/etc/hosts', 'utf8').catch(() => ''),
    memoryCapacity: totalmem(),
    allocatable: options.allocatable,
    async runtimeHandler(name) {
      return name ? (await client.get('RuntimeClass', { name })).handler : ''
    },
    sandboxLimit: createLimit(sandboxesAtOnce),
  }
}

function createServices({
  client,
  clock,
  logger,
  signal,
}: Pick<ContextOptions, 'client' | 'clock' | 'logger' | 'signal'>): KubeletContext['services'] {
  const informer = createInformer<Service>(sourceOf(client, 'Service'), { name: 'services', clock, logger })
  informer.run(signal).catch((error: unknown) => logger.error('service informer ended', { error }))
  return async (namespace) => {
    await informer.whenSynced()
    const api = informer.store.get('default/kubernetes')
    return [...informer.store.list(namespace), ...(api && namespace !== 'default' ? [api] : [])]
  }
}

function readOr(file: string, fallback: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return fallback
  }
}
