/** Connects informers to the proxiers of both address families, and the health servers to what they know. */
import { writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import type { EndpointSlice, Service } from '../api/generated/types.ts'
import { keyOf } from '../api/object.ts'
import type { ApiClient } from '../client/api-client.ts'
import { createSharedInformers } from '../client/shared-informers.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import type { ProxyMode } from './backends/backend.ts'
import { BACKENDS, PROXY_MODES } from './backends/list.ts'
import { createForgetFlows } from './forget-flows.ts'
import type { ProxyFlags } from './flags.ts'
import { createServiceHealthServers, syncProblem, type ServiceHealth, type SyncStatus } from './health-server.ts'
import { nodePortAddresses } from './local-addresses.ts'
import { runNetworkPolicy, trimPod } from './network-policy/run-network-policy.ts'
import { createProxier, type Proxier } from './proxier.ts'
import { familyOf, isProxied, nodeOf, type Family, type NodeView, type ServicePort } from './service-ports.ts'

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

const serviceNameLabel = 'kubernetes.io/service-name'
const headless = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name'
const leavingTaints = new Set(['ToBeDeletedByClusterAutoscaler'])

/** Resolves when everything there is at the start has been told to the proxiers. */
export async function runProxy(options: RunProxyOptions, signal: AbortSignal): Promise<RunningProxy> {
  const { client, clock, logger, metrics, flags, nodeName } = options
  const informers = createSharedInformers(client, {
    clock,
    logger,
    signal,
    scopes: {
      Service: { labelSelector: headless },
      EndpointSlice: { labelSelector: headless },
      Node: { fieldSelector: `metadata.name=${nodeName}` },
    },
    ingest: { Pod: trimPod },
  })
  const services = informers.informer('Service')
  const slices = informers.informer('EndpointSlice')
  const nodes = informers.informer('Node')
  slices.addIndexes({ service: (slice) => [sliceKey(slice)] })

  const zone = () => nodes.store.get(nodeName)?.metadata.labels?.['topology.kubernetes.io/zone']
  const viewFor = (family: Family): NodeView => ({
    name: nodeName,
    zone: zone(),
    clusterCidrs: flags['cluster-cidr'].filter((cidr) => familyOf(cidr) === family),
    masqueradeAll: flags['masquerade-all'],
  })
  const mode = flags['proxy-mode'] as ProxyMode
  const families = await usableFamilies(mode, logger)
  const proxiers = families.map((family) => {
    const proxier = createProxier({
      family,
      backend: BACKENDS[mode]({ family }),
      node: viewFor(family),
      serviceOf: (key) => services.store.get(key),
      slicesOf: (key) => slices.store.byIndex('service', key),
      forgetFlows: createForgetFlows(logger),
      clock,
      logger,
      metrics,
    })
    return { family, proxier }
  })
  let told = ''
  const tellNodePortAddresses = () => {
    const addresses = {
      machine: Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
      node: (nodes.store.get(nodeName)?.status?.addresses ?? []).flatMap(({ type, address }) =>
        type === 'InternalIP' ? address : [],
      ),
    }
    const all = proxiers.map(({ family }) => nodePortAddresses(flags['nodeport-addresses'], family, addresses))
    if (JSON.stringify(all) === told) return
    told = JSON.stringify(all)
    for (const [index, { proxier }] of proxiers.entries()) proxier.setNodePortAddresses(all[index]!)
  }
  const statusOf = () => combine(proxiers.map(({ proxier }) => proxier.status()))
  const healthServers = createServiceHealthServers('0.0.0.0', () => syncProblem(statusOf(), clock.now()) === null, logger)
  const updateHealth = coalesce(async () => {
    await healthServers.set(
      services.store.list().flatMap((service) => healthOf(service, slices.store.byIndex('service', keyOf(service)), nodeName)),
    )
  }, logger)

  await openLocalhost(flags, logger)
  informers.start()
  await Promise.all([services.whenSynced(), slices.whenSynced(), nodes.whenSynced()])
  const touch: Proxier['touch'] = (key, change) => {
    for (const { proxier } of proxiers) proxier.touch(key, change)
    updateHealth()
  }
  tellNodePortAddresses()
  // In this order: what was there is told once by `start`, and each change after it as it comes.
  for (const { proxier } of proxiers) proxier.start(services.store.list().map(keyOf))
  const onService = (service: Service) => touch(keyOf(service), { of: 'service' })
  services.addHandlers({ added: (service, initial) => initial || onService(service), updated: onService, deleted: onService })
  const onSlice = (slice: EndpointSlice, since?: Date) => touch(sliceKey(slice), { of: 'endpoints', since })
  slices.addHandlers({
    added: (slice, initial) => initial || onSlice(slice, triggeredAt(slice)),
    // A slice keeps the time of its last trigger when it is written for another reason.
    updated: (slice, old) =>
      onSlice(slice, Number(triggeredAt(slice)) === Number(triggeredAt(old)) ? undefined : triggeredAt(slice)),
    deleted: (slice) => onSlice(slice),
  })
  let knownZone = zone()
  nodes.addHandlers({
    added: tellNodePortAddresses,
    updated() {
      // Kubelets say now and then that they are alive: as good a time as any to look at the interfaces.
      tellNodePortAddresses()
      if (zone() === knownZone) return
      knownZone = zone()
      for (const { family, proxier } of proxiers) proxier.setNode(viewFor(family))
    },
  })
  updateHealth()
  void forgetOtherModes(mode, proxiers, logger)
  const policy = runNetworkPolicy({ informers, families, nodeName, clock, logger })

  return {
    status: statusOf,
    eligible: () => {
      const node = nodes.store.get(nodeName)
      return !node || (!node.metadata.deletionTimestamp && !node.spec?.taints?.some(({ key }) => leavingTaints.has(key)))
    },
    servicePorts: () => Object.fromEntries(proxiers.flatMap(({ proxier }) => [...proxier.servicePorts()])),
    async stop() {
      await Promise.all([policy.stop(), ...proxiers.map(({ proxier }) => proxier.stop())])
      await healthServers.close()
    },
  }
}

const sliceKey = ({ metadata }: EndpointSlice): string => `${metadata.namespace}/${metadata.labels?.[serviceNameLabel] ?? ''}`

/** When the pod changed that made the controller write this slice. */
function triggeredAt({ metadata }: EndpointSlice): Date | undefined {
  const text = metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time']
  const time = text ? new Date(text) : undefined
  return time && !Number.isNaN(time.getTime()) ? time : undefined
}

/** IPv6 where the kernel has it: a node without it serves IPv4 alone. */
async function usableFamilies(mode: ProxyMode, logger: Logger): Promise<Family[]> {
  const works = (family: Family) =>
    BACKENDS[mode]({ family })
      .probe()
      .then(
        () => true,
        (error: unknown) => {
          logger.warn('no rules for this address family', { family, error: String(error) })
          return false
        },
      )
  const families: Family[] = []
  for (const family of ['IPv4', 'IPv6'] as const) if (await works(family)) families.push(family)
  if (families.length === 0) throw new Error(`Cannot proxy: ${mode} works here neither for IPv4 nor for IPv6`)
  return families
}

/** What a proxy of another mode left goes once the rules of this one are there: services work all the time. */
async function forgetOtherModes(
  mode: ProxyMode,
  proxiers: readonly { family: Family; proxier: Proxier }[],
  logger: Logger,
): Promise<void> {
  const others = PROXY_MODES.filter((each) => each !== mode)
  for (const { family, proxier } of proxiers) {
    await proxier.settled()
    for (const other of others) {
      await BACKENDS[other]({ family })
        .cleanUp()
        .catch((error: unknown) => logger.warn('cannot take away the rules of another mode', { other, error: String(error) }))
    }
  }
}

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

/** Runs once for all calls while it is busy, and again after it. */
function coalesce(run: () => Promise<void>, logger: Logger): () => void {
  let busy = false
  let again = false
  const start = () => {
    if (busy) {
      again = true
      return
    }
    busy = true
    run()
      .catch((error: unknown) => logger.warn('cannot update health check node ports', { error: String(error) }))
      .finally(() => {
        busy = false
        if (!again) return
        again = false
        start()
      })
  }
  return start
}
