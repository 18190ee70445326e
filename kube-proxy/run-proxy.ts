/** Connects informers to the proxiers of both address families, and the health servers to what they know. */
import { writeFile } from 'node:fs/promises'
import type { EndpointSlice, Node, Service } from '../api/generated/types.ts'
import { keyOf } from '../api/object.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { Clock } from '../component/clock.ts'
import { coalesce } from '../component/coalesce.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import type { ProxyMode } from './backends/backend.ts'
import { BACKENDS } from './backends/list.ts'
import type { ProxyFlags } from './flags.ts'
import { followChanges, zoneOf } from './follow-changes.ts'
import { createForgetFlows } from './forget-flows.ts'
import { createServiceHealthServers, type ServiceHealth, type SyncStatus, syncProblem } from './health-server.ts'
import { runNetworkPolicy } from './network-policy/run-network-policy.ts'
import { createProxiedObjects } from './proxied-objects.ts'
import { createProxier } from './proxier.ts'
import { forgetOtherModes, usableFamilies } from './proxy-modes.ts'
import { type Family, familyOf, isProxied, nodeOf, type NodeView, type ServicePort } from './service-ports.ts'

export interface RunProxyOptions {
  client: ApiClient
  clock: Clock
  logger: Logger
  metrics: Metrics
  flags: ProxyFlags
  nodeName: string
}

export interface RunningProxy {
  status(): SyncStatus
  eligible(): boolean
  servicePorts(): Record<string, readonly ServicePort[]>
  stop(): Promise<void>
}

const leavingTaints = new Set(['ToBeDeletedByClusterAutoscaler'])

/** Resolves when everything there is at the start has been told to the proxiers. */
export async function runProxy(options: RunProxyOptions, signal: AbortSignal): Promise<RunningProxy> {
  const { client, clock, logger, flags, nodeName } = options
  const mode = flags['proxy-mode'] as ProxyMode
  const objects = createProxiedObjects(client, nodeName, { clock, logger, signal })
  const viewFor = (family: Family): NodeView => ({
    name: nodeName,
    zone: zoneOf(objects),
    clusterCidrs: flags['cluster-cidr'].filter((cidr) => familyOf(cidr) === family),
    masqueradeAll: flags['masquerade-all'],
  })
  const families = await usableFamilies(mode, logger)
  const proxiers = families.map((family) => ({
    family,
    proxier: createProxier({
      ...options,
      family,
      backend: BACKENDS[mode]({ family }),
      node: viewFor(family),
      serviceOf: (key) => objects.services.store.get(key),
      slicesOf: objects.slicesOf,
      forgetFlows: createForgetFlows(logger),
    }),
  }))
  const status = () => combine(proxiers.map(({ proxier }) => proxier.status()))
  const healthServers = createServiceHealthServers('0.0.0.0', () => syncProblem(status(), clock.now()) === null, logger)
  const health = coalesce(
    () =>
      healthServers.set(
        objects.services.store.list().flatMap((service) => healthOf(service, objects.slicesOf(keyOf(service)), nodeName)),
      ),
    { onError: (error) => logger.warn('cannot update health check node ports', { error: String(error) }) },
  )

  await openLocalhost(flags, logger)
  await objects.start()
  followChanges({ objects, proxiers, nodePortRanges: flags['nodeport-addresses'], viewFor, changed: health.request })
  health.request()
  void forgetOtherModes(mode, proxiers, logger)
  const policy = runNetworkPolicy({ informers: objects.informers, families, nodeName, clock, logger })

  return {
    status,
    eligible: () => isEligible(objects.ownNode()),
    servicePorts: () => Object.fromEntries(proxiers.flatMap(({ proxier }) => [...proxier.servicePorts()])),
    async stop() {
      await Promise.all([policy.stop(), ...proxiers.map(({ proxier }) => proxier.stop())])
      await healthServers.close()
    },
  }
}

/** A node that nobody has registered yet is not on its way out. */
const isEligible = (node: Node | undefined): boolean =>
  !node || (!node.metadata.deletionTimestamp && !node.spec?.taints?.some(({ key }) => leavingTaints.has(key)))

/** The kernel drops what comes from the loopback address and leaves the machine, unless it is told otherwise. */
async function openLocalhost(flags: ProxyFlags, logger: Logger): Promise<void> {
  if (!flags['iptables-localhost-nodeports']) return
  await writeFile('/proc/sys/net/ipv4/conf/all/route_localnet', '1').catch((error: unknown) =>
    logger.warn('cannot serve node ports on the loopback address', { error: String(error) }),
  )
}

/** The oldest sync and the longest wait count. */
function combine(all: readonly SyncStatus[]): SyncStatus {
  const synced = all.map(({ lastSynced }) => lastSynced?.getTime() ?? 0)
  const waiting = all.flatMap(({ waitingSince }) => waitingSince?.getTime() ?? [])
  const oldest = Math.min(...synced)
  return {
    lastSynced: oldest > 0 ? new Date(oldest) : undefined,
    waitingSince: waiting.length > 0 ? new Date(Math.min(...waiting)) : undefined,
  }
}

function healthOf(service: Service, slices: readonly EndpointSlice[], nodeName: string): ServiceHealth[] {
  const port = service.spec?.healthCheckNodePort
  if (!port || service.spec?.externalTrafficPolicy !== 'Local' || !isProxied(service)) return []
  const local = slices
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter((endpoint) => nodeOf(endpoint) === nodeName && endpoint.conditions?.ready !== false)
  const { namespace = '', name } = service.metadata
  return [{ namespace, name, port, localEndpoints: new Set(local.map(({ addresses }) => addresses[0])).size }]
}
