/**
 * What a new cluster has from its first second: the system namespaces, the roles that components need, priority classes, flow
 * control, and the `kubernetes` Service with the address of this server. Runs at each start and repairs what is missing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Service } from '../api/generated/types.ts'
import type { KindName } from '../api/kinds.ts'
import type { KubeObject } from '../api/object.ts'
import type { ApiContext } from './api-context.ts'
import { toDate } from './auth/authentication/legacy-token-tracking.ts'
import { planBootstrapPolicy } from './auth/default-roles/reconcile-policy.ts'
import { prefixOfKind } from './cluster-reader.ts'
import { ensureObject, type Bare } from './ensure-object.ts'
import { applyFlowDefaults, keepFlowDefaults } from './flow-control/keep-bootstrap-objects.ts'
import { keyFor } from './served-resources.ts'
import { toSeconds } from './writes/write-steps.ts'

export interface BootstrapOptions {
  /** Where clients inside the cluster reach this server. */
  advertiseAddress: string
  securePort: number
  /** The first address of `--service-cluster-ip-range`. */
  serviceAddress: string
  /** `--service-cluster-ip-range`, shown as the ServiceCIDR `kubernetes`. */
  serviceRanges?: readonly string[]
}

const NAMESPACES = ['kube-system', 'default', 'kube-public', 'kube-node-lease']
const RETRY_MS = 1000
/** What is written here, by the names that upstream's server has for it in its health. */
const CHECKS = [
  'bootstrap-controller',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
]

/** Never rejects: tries again until it is done or the server stops. */
export async function bootstrap(context: ApiContext, options: BootstrapOptions, stopping: AbortSignal): Promise<void> {
  let problem: string | null = 'not finished'
  for (const name of CHECKS) context.health.add({ name: `poststarthook/${name}`, check: () => problem })
  while (!stopping.aborted) {
    try {
      await runSteps(context, options)
      problem = null
      if (!stopping.aborted) stopping.addEventListener('abort', keepFlowDefaults(context).close, { once: true })
      return
    } catch (error) {
      context.logger.error('cannot write the defaults of the cluster yet', { error })
      await sleep(RETRY_MS, undefined, { signal: stopping }).catch(() => {})
    }
  }
}

async function runSteps(context: ApiContext, options: BootstrapOptions): Promise<void> {
  await context.store.current()
  await Promise.all(NAMESPACES.map((name) => ensureObject(context, 'Namespace', namespaceObject(name))))
  await context.store.current()
  await Promise.all([
    applyPolicy(context),
    applyPriorityClasses(context),
    applyFlowDefaults(context),
    showServiceRanges(context, options),
    publishServer(context, options),
    noteTrackingOfTokens(context),
  ])
}

/** Since when the secrets of tokens that never end are marked when they are used: without it their silence says nothing. */
const noteTrackingOfTokens = (context: ApiContext): Promise<unknown> =>
  ensureObject(context, 'ConfigMap', {
    metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
    data: { since: toDate(context.now()) },
  } as Bare)

const namespaceObject = (name: string) => ({
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: 'Active' },
})

async function applyPolicy(context: ApiContext): Promise<void> {
  const actions = planBootstrapPolicy(context.admission.reader)
  await Promise.all(
    actions.map(async (action) => {
      const kind = action.object.kind as KindName
      const key = keyFor(prefixOfKind(kind), action.object.metadata.namespace ?? '', action.object.metadata.name)
      if (action.do === 'create') return ensureObject(context, kind, action.object)
      const current = context.store.get(key)
      if (!current) return undefined
      if (action.do === 'update') return context.store.update(key, action.object, current.revision)
      const gone = await context.store.delete(key, current.revision)
      return gone.ok ? ensureObject(context, kind, action.object) : undefined
    }),
  )
}

async function applyPriorityClasses(context: ApiContext): Promise<void> {
  const define = (name: string, value: number, description: string) =>
    ensureObject(context, 'PriorityClass', {
      metadata: { name },
      value,
      description,
      preemptionPolicy: 'PreemptLowerPriority',
    } as Bare)
  await define(
    'system-node-critical',
    2_000_001_000,
    'Used for system critical pods that must not be moved from their current node.',
  )
  await define(
    'system-cluster-critical',
    2_000_000_000,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  )
}

async function showServiceRanges(context: ApiContext, { serviceRanges }: BootstrapOptions): Promise<void> {
  if (!serviceRanges) return
  const lastTransitionTime = toSeconds(context.now())
  await ensureObject(context, 'ServiceCIDR', {
    metadata: { name: 'kubernetes' },
    spec: { cidrs: serviceRanges },
    status: {
      conditions: [
        { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes default Service CIDR is ready', lastTransitionTime },
      ],
    },
  } as Bare)
}

/** Pods find the API server by the Service `kubernetes`, which has no selector: its endpoints are written here. */
async function publishServer(
  context: ApiContext,
  { advertiseAddress, securePort, serviceAddress }: BootstrapOptions,
): Promise<void> {
  const metadata = { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } }
  await ensureService(context, {
    metadata,
    spec: {
      clusterIP: serviceAddress,
      clusterIPs: [serviceAddress],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: securePort }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
    },
    status: { loadBalancer: {} },
  } as Bare)
  await publish(context, 'Endpoints', {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: advertiseAddress }], ports: [{ name: 'https', port: securePort, protocol: 'TCP' }] }],
  } as Bare)
  await publish(context, 'EndpointSlice', {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [advertiseAddress], conditions: { ready: true } }],
    ports: [{ name: 'https', port: securePort, protocol: 'TCP' }],
  } as Bare)
}

/** Its address is reserved as any other service's is. */
async function ensureService(context: ApiContext, wanted: Bare): Promise<void> {
  if (context.store.get(keyFor(prefixOfKind('Service'), 'default', wanted.metadata.name))) return
  const hold = await context.services.hold(wanted as Service, undefined, false)
  try {
    await ensureObject(context, 'Service', wanted)
  } catch (error) {
    await hold.rollback()
    throw error
  }
  await hold.commit()
}

/** The address may have changed since the last start. Several servers on one etcd each add theirs. */
async function publish(context: ApiContext, kind: 'Endpoints' | 'EndpointSlice', wanted: Bare): Promise<void> {
  const stored = await ensureObject(context, kind, wanted)
  const merged = kind === 'Endpoints' ? mergeSubsets(stored, wanted) : mergeEndpoints(stored, wanted)
  if (!merged) return
  const key = keyFor(prefixOfKind(kind), 'default', 'kubernetes')
  const result = await context.store.update(key, merged, Number(stored.metadata.resourceVersion))
  if (!result.ok) throw new Error(`Cannot publish the server's address: ${kind} kubernetes was changed at the same time`)
}

type Subsets = { subsets?: { addresses?: { ip: string }[]; ports?: { port: number }[] }[] }

function mergeSubsets(stored: KubeObject, wanted: Bare): KubeObject | undefined {
  const [mine] = (wanted as Subsets).subsets!
  const subsets = (stored as Subsets).subsets ?? []
  const same = subsets.find(({ ports }) => ports?.[0]?.port === mine!.ports![0]!.port)
  const ip = mine!.addresses![0]!.ip
  if (same?.addresses?.some((address) => address.ip === ip)) return undefined
  const others = subsets.filter((subset) => subset !== same)
  return { ...stored, subsets: [...others, { ...mine, addresses: [...(same?.addresses ?? []), { ip }] }] } as KubeObject
}

type Endpoints = { endpoints?: { addresses: string[] }[]; ports?: { port: number }[] }

function mergeEndpoints(stored: KubeObject, wanted: Bare): KubeObject | undefined {
  const [mine] = (wanted as Endpoints).endpoints!
  const endpoints = (stored as Endpoints).endpoints ?? []
  if (endpoints.some(({ addresses }) => addresses[0] === mine!.addresses[0])) return undefined
  return { ...stored, endpoints: [...endpoints, mine], ports: (wanted as Endpoints).ports } as KubeObject
}
