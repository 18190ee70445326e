/** Endpoints: the older form of endpoint slices, one object a service, still read by older clients. */
import type { CoreEndpointPort, EndpointAddress, Endpoints, EndpointSubset, Pod, Service } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { isReady } from '../pods.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { remove } from '../status-patch.ts'
import {
  hasOwnEndpoints,
  headlessLabel,
  hostnameFor,
  isHeadless,
  isIPv6,
  mayServe,
  podsBehind,
  podsWakeServices,
  targetPortOf,
} from './endpoints/service-pods.ts'
import { createTriggerTimes, withTriggerTime } from './endpoints/trigger-times.ts'

const managedByLabel = 'endpoints.kubernetes.io/managed-by'
const managedBy = 'endpoint-controller'
const overCapacity = 'endpoints.kubernetes.io/over-capacity'
const capacity = 1000

export interface Observed {
  pods: Pod[]
  current: Endpoints | undefined
  /** When what this pass writes became due. */
  triggeredAt?: string | undefined
}

export function createEndpointsController(): Controller<'Service', Observed> {
  const triggers = createTriggerTimes()
  return {
    name: 'endpoints-controller',
    for: 'Service',
    watches: [
      podsWakeServices,
      // Also finds, at start, what is left of services that went while nobody looked.
      { kind: 'Endpoints', wakes: (object: Endpoints) => (isOurs(object) ? [keyOf(object)] : []) },
    ],
    observe: (service, cache) => ({
      pods: podsBehind(service, cache),
      current: cache.of('Endpoints').get(keyOf(service)),
    }),
    reconcile: (service, observed) => reconcile(service, { ...observed, triggeredAt: triggers.next(service, observed.pods) }),
    // Endpoints have no owner reference: the garbage collector knows nothing of them.
    gone(key, cache) {
      triggers.forget(keyOf({ metadata: key }))
      const left = cache.of('Endpoints').get(key)
      return left ? [remove(left)] : []
    },
  }
}

const isOurs = ({ metadata }: Endpoints): boolean => metadata.labels?.[managedByLabel] === managedBy

export function reconcile(service: Service, { pods, current, triggeredAt }: Observed): Action[] {
  if (!hasOwnEndpoints(service) || service.metadata.deletionTimestamp) return []
  const found = pods.filter(mayServe).flatMap((pod) => subsetsFor(pod, service))
  const { subsets, truncated } = truncate(repackSubsets(found))
  const labels = {
    ...service.metadata.labels,
    [managedByLabel]: managedBy,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
  }
  const { [overCapacity]: _, ...kept } = current?.metadata.annotations ?? {}
  const annotations = truncated ? { ...kept, [overCapacity]: 'truncated' } : kept
  const written = withTriggerTime(annotations, triggeredAt)
  if (!current) {
    const { name, namespace } = service.metadata
    const metadata = { name, namespace, labels, annotations: written }
    return [{ do: 'create', kind: 'Endpoints', object: { metadata, subsets } as never }]
  }
  const next = { ...current, metadata: { ...current.metadata, labels, annotations }, subsets }
  if (semanticEqual(next, current)) return []
  return [{ do: 'update', kind: 'Endpoints', object: { ...next, metadata: { ...next.metadata, annotations: written } } }]
}

interface Entry {
  ready: boolean
  address: EndpointAddress
  ports: CoreEndpointPort[]
}

function subsetsFor(pod: Pod, service: Service): Entry[] {
  const publish = Boolean(service.spec?.publishNotReadyAddresses)
  if (pod.metadata.deletionTimestamp && !publish) return []
  const ip = addressOf(pod, service)
  if (ip === undefined) return []
  const { namespace, name, uid } = pod.metadata
  const hostname = hostnameFor(pod, service)
  const address: EndpointAddress = {
    ip,
    ...(hostname ? { hostname } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid } as NonNullable<EndpointAddress['targetRef']>,
  }
  const ready = publish || isReady(pod)
  const servicePorts = service.spec?.ports ?? []
  if (servicePorts.length === 0) return isHeadless(service) ? [{ ready, address, ports: [] }] : []
  return servicePorts.flatMap((servicePort) => {
    const port = targetPortOf(servicePort, pod)
    if (port === null) return []
    const { name: portName, protocol = 'TCP', appProtocol } = servicePort
    return [
      {
        ready,
        address,
        ports: [{ ...(portName ? { name: portName } : {}), port, protocol, ...(appProtocol ? { appProtocol } : {}) }],
      },
    ]
  })
}

function addressOf({ status }: Pod, { spec }: Service): string | undefined {
  const wantsIPv6 = (spec?.ipFamilies?.[0] ?? (isIPv6(spec?.clusterIP ?? '') ? 'IPv6' : 'IPv4')) === 'IPv6'
  return (status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP]).find((ip) => ip !== undefined && isIPv6(ip) === wantsIPv6)
}

/** One subset for each set of addresses with the same ports, in a stable order: the fewest that say the same. */
function repackSubsets(entries: readonly Entry[]): EndpointSubset[] {
  const byAddress = Map.groupBy(entries, ({ address, ready }) => `${address.targetRef?.uid}/${address.ip}/${ready}`)
  const merged = [...byAddress.values()].map((same) => ({
    ready: same[0]!.ready,
    address: same[0]!.address,
    ports: same.flatMap(({ ports }) => ports).toSorted(compareBy(JSON.stringify)),
  }))
  return [...Map.groupBy(merged, ({ ports }) => JSON.stringify(ports)).values()]
    .map((group): EndpointSubset => {
      const pick = (ready: boolean) =>
        group
          .filter((entry) => entry.ready === ready)
          .map(({ address }) => address)
          .toSorted(compareBy(({ ip, targetRef }) => `${ip}/${targetRef?.uid}`))
      const addresses = pick(true)
      const notReadyAddresses = pick(false)
      return {
        ...(addresses.length > 0 ? { addresses } : {}),
        ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
        ...(group[0]!.ports.length > 0 ? { ports: group[0]!.ports } : {}),
      }
    })
    .toSorted(compareBy(({ ports }) => JSON.stringify(ports ?? [])))
}

/** A thousand addresses at most, ready ones first; clients that need more read slices. */
function truncate(subsets: EndpointSubset[]): { subsets: EndpointSubset[]; truncated: boolean } {
  const total = subsets.reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length,
    0,
  )
  if (total <= capacity) return { subsets, truncated: false }
  let room = capacity
  const take = (addresses: EndpointAddress[] | undefined): EndpointAddress[] => {
    const taken = (addresses ?? []).slice(0, room)
    room -= taken.length
    return taken
  }
  const ready = subsets.map(({ addresses }) => take(addresses))
  const notReady = subsets.map(({ notReadyAddresses }) => take(notReadyAddresses))
  const kept = subsets.map((subset, index) => ({ ...subset, addresses: ready[index]!, notReadyAddresses: notReady[index]! }))
  return {
    subsets: kept.filter(({ addresses, notReadyAddresses }) => addresses.length + notReadyAddresses.length > 0),
    truncated: true,
  }
}

const compareBy =
  <T>(key: (value: T) => string) =>
  (a: T, b: T): number => {
    const [left, right] = [key(a), key(b)]
    return left < right ? -1 : left > right ? 1 : 0
  }
