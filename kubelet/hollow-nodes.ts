/** Many kubelets in one process, on runtimes that only pretend: the load of a large cluster without its machines. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { ApiClient } from '../client/api-client.ts'
import type { ClientConfig } from '../client/kubeconfig.ts'
import { createApiClient, type RestClient } from '../client/rest-client.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import { composeKubelet, type KubeletOptions, type RunningKubelet } from './compose.ts'
import { createSharedObjects } from './create-context.ts'
import { createLimit } from './limit.ts'
import { readMachine } from './node/machine.ts'
import { createHollowPlatform } from './runtime/hollow-runtime.ts'

export interface HollowNodesOptions {
  count: number
  startMs: number
  failureRate: number
  cpus: number
  memoryBytes: number
}

export interface HollowDoors {
  /** Who may impersonate nodes, when there are several. */
  config: ClientConfig
  /** As that user: for what the nodes look at together. */
  client: ApiClient
  clock: Clock
  logger: Logger
}

/** So many nodes register at once. */
const startsAtOnce = 20
/** Nobody writes logs on these nodes. */
const never = 2 ** 31 - 1

/** Resolves when every node is started; each acts as itself, so that the API server's rules for nodes hold. */
export async function composeHollowNodes(
  base: KubeletOptions,
  options: HollowNodesOptions,
  { config, client, clock, logger }: HollowDoors,
): Promise<{ stop(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubelab-hollow-'))
  const stop = new AbortController()
  const shared = createSharedObjects({ client, clock, logger, signal: stop.signal })
  const machine = { ...readMachine(folder), cpus: options.cpus, memoryBytes: options.memoryBytes, hugePages: {} }
  const alone = options.count === 1

  async function startOne(index: number): Promise<{ node: RunningKubelet; own: RestClient | undefined }> {
    const nodeName = alone ? base.nodeName : `${base.nodeName}-${index}`
    const asNode = { user: `system:node:${nodeName}`, groups: ['system:nodes'] }
    const own = alone ? undefined : createApiClient({ ...config, impersonate: asNode }, { userAgent: 'kubelet', connections: 2 })
    const podCidr = `10.${128 + Math.floor(index / 256)}.${index % 256}.0/24`
    const root = path.join(folder, nodeName)
    const node = await composeKubelet(
      {
        ...base,
        nodeName,
        machine,
        shared,
        rootDirectory: root,
        podLogDirectory: path.join(root, 'log', 'pods'),
        platform: createHollowPlatform({ clock, startMs: options.startMs, failureRate: options.failureRate, podCidr }),
        port: alone ? base.port : 0,
        podCidr: alone ? base.podCidr : undefined,
        providerId: alone ? base.providerId : undefined,
        podManifestPath: alone ? base.podManifestPath : undefined,
        // What this machine has left says nothing about a hollow one.
        eviction: undefined,
        imageGcHighPercent: 100,
        containerLogMonitorMs: never,
        nodeLabels: { ...base.nodeLabels, 'kubelab/runtime': 'hollow' },
        processMetrics: false,
      },
      own ?? client,
      clock,
      alone ? logger : logger.with({ node: nodeName }),
    )
    return { node, own }
  }

  const turn = createLimit(startsAtOnce)
  const started = await Promise.all(Array.from({ length: options.count }, (_, index) => turn(() => startOne(index))))
  logger.info('hollow nodes started', { count: started.length })
  return {
    async stop() {
      await Promise.all(started.map(({ node }) => node.stop()))
      stop.abort()
      await Promise.all(started.flatMap(({ own }) => own?.close() ?? []))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
