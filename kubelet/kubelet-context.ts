/** What every pod's worker shares: the node's facts and the doors to the outside. */
import type { Service } from '../api/generated/types.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Cgroups } from './cgroups.ts'
import type { NodeDns } from './dns.ts'
import type { ImagePuller } from './images/image-puller.ts'
import type { Limit } from './limit.ts'
import type { KubeletPaths } from './paths.ts'
import type { PodEvents } from './pods/pod-events.ts'
import type { Cri } from './runtime/cri-client.ts'
import type { Platform } from './runtime/platform.ts'
import type { PodRuntimeReader } from './runtime/pod-runtime.ts'
import type { ProbeCounts } from './probes/probe-counts.ts'
import type { StatusWriter } from './status/status-writer.ts'
import type { WatchedObjects } from './objects/watched-objects.ts'

export interface KubeletContext {
  nodeName: string
  nodeIps: readonly string[]
  client: ApiClient
  /** `cri` and `cgroups` below are its own, counted. */
  platform: Platform
  cri: Cri
  clock: Clock
  logger: Logger
  events: PodEvents
  cgroups: Cgroups
  paths: KubeletPaths
  images: ImagePuller
  reader: PodRuntimeReader
  statuses: StatusWriter
  probeCounts: ProbeCounts
  watched: WatchedObjects
  /** Services of a namespace, and the `kubernetes` one; waits for the first list. */
  services(namespace: string): Promise<Service[]>
  dns(): NodeDns
  /** The node's own /etc/hosts. */
  nodeHosts(): Promise<string>
  memoryCapacity: number
  allocatable: Record<string, string>
  runtimeHandler(runtimeClassName: string | undefined): Promise<string>
  /** Sandboxes made at once; more would only take each other's processor time. */
  sandboxLimit: Limit
}
