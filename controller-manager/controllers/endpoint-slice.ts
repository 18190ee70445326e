/** EndpointSlice: the addresses behind each service with a selector, a hundred to a slice, with as few writes as can be. */
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Node, Pod, Service } from '../../api/generated/types.ts'
import { controllerReference, isControlledBy, keyOf, type New } from '../../api/object.ts'
import type { Cache } from '../../client/cache.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { canonicalHash } from '../canonical-hash.ts'
import { isReady, nodeIndex } from '../pods.ts'
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
import { placeEndpoints } from './endpoints/slice-placement.ts'
import { createTriggerTimes, withTriggerTime } from './endpoints/trigger-times.ts'
import { hintByZone, type HintsTold, isTopologyAuto, switchedOff } from './endpoints/zone-hints.ts'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const managedBy = 'endpointslice-controller.k8s.io'
const reservedLabels = new Set([serviceNameLabel, managedByLabel, headlessLabel])
const capacity = 100

export interface Observed {
  pods: Pod[]
  nodeOf: (name: string) => Node | undefined
  /** All of them: asked for only by services that share their endpoints out to zones. */
  nodes: () => readonly Node[]
  /** The slices of the service that this controller made. */
  slices: EndpointSlice[]
  /** When what this pass writes became due. */
  triggeredAt?: string | undefined
  /** The pass before this one shared them out to zones. */
  wasShared?: boolean
}

export function createEndpointSliceController(): Controller<'Service', Observed> {
  const triggers = createTriggerTimes()
  const shared = new Set<string>()
  return {
    name: 'endpointslice-controller',
    for: 'Service',
    watches: [
      podsWakeServices,
      {
        kind: 'EndpointSlice',
        wakes: ({ metadata }: EndpointSlice) =>
          metadata.labels?.[managedByLabel] === managedBy && metadata.labels[serviceNameLabel]
            ? [`${metadata.namespace}/${metadata.labels[serviceNameLabel]}`]
            : [],
      },
      // A pod may be seen before its node is; and where zones count, every node does.
      {
        kind: 'Node',
        wakes: ({ metadata }: Node, cache: Cache) => [
          ...cache
            .of('Pod')
            .byIndex('node', metadata.name)
            .flatMap((pod) => [...podsWakeServices.wakes(pod, cache)]),
          ...cache.of('Service').byIndex('topologyAuto', 'yes').map(keyOf),
        ],
      },
    ],
    indexes: {
      Pod: nodeIndex,
      Service: { topologyAuto: (service: Service) => (isTopologyAuto(service) ? ['yes'] : []) },
      EndpointSlice: {
        service: ({ metadata }: EndpointSlice) => [`${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`],
      },
    },
    observe: (service, cache) => ({
      pods: podsBehind(service, cache),
      nodeOf: (name) => cache.of('Node').get(name),
      nodes: () => cache.of('Node').list(),
      slices: cache
        .of('EndpointSlice')
        .byIndex('service', `${service.metadata.namespace}/${service.metadata.name}`)
        .filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy && !metadata.deletionTimestamp),
    }),
    reconcile(service, observed) {
      const wasShared = shared.delete(keyOf(service))
      if (isTopologyAuto(service)) shared.add(keyOf(service))
      return reconcile(service, { ...observed, wasShared, triggeredAt: triggers.next(service, observed.pods) })
    },
    gone(key) {
      triggers.forget(keyOf({ metadata: key }))
      shared.delete(keyOf({ metadata: key }))
      return []
    },
  }
}

/** Pure. Slices of a service that is deleted go with it, through their owner reference. */
export function reconcile(service: Service, observed: Observed): Action[] {
  if (!hasOwnEndpoints(service) || service.metadata.deletionTimestamp) return []
  const families = addressTypesOf(service)
  const outdated = observed.slices.filter(({ addressType }) => !families.includes(addressType))
  return [...families.flatMap((family) => reconcileFamily(service, observed, family)), ...outdated.map(remove)]
}

type AddressType = 'IPv4' | 'IPv6'

function addressTypesOf({ spec }: Service): string[] {
  if (spec?.ipFamilies?.length) return spec.ipFamilies
  return [isIPv6(spec?.clusterIP ?? '') ? 'IPv6' : 'IPv4']
}

interface Draft {
  endpoints: Endpoint[]
  ports: DiscoveryEndpointPort[]
}

/** Pods whose target ports differ (named ports) cannot share a slice: one group for each set of ports. */
function reconcileFamily(service: Service, observed: Observed, family: string): Action[] {
  const { pods, nodeOf, nodes, slices, triggeredAt } = observed
  const ofFamily = slices.filter(({ addressType }) => addressType === family)
  const owned = ofFamily.filter((slice) => isControlledBy(slice, service))
  const obsolete = ofFamily.filter((slice) => !isControlledBy(slice, service))
  const groups = groupByPorts(service, pods, nodeOf, family as AddressType)
  const shares = isTopologyAuto(service)
  const told = shares ? hintByZone(groups.values(), nodes()) : observed.wasShared ? switchedOff : undefined
  const bySamePorts = Map.groupBy(owned, ({ ports }) => portsKey(ports ?? []))
  const updates = new Map<EndpointSlice, Draft>()
  const drafts: Draft[] = []
  for (const [key, { ports, endpoints }] of groups) {
    const placement = placeEndpoints(bySamePorts.get(key) ?? [], (slice) => slice.endpoints ?? [], endpoints, {
      keyOf: endpointKey,
      equal: semanticEqual,
      capacity,
    })
    for (const [slice, content] of placement.updated) updates.set(slice, { ports, endpoints: content })
    drafts.push(...placement.created.map((content) => ({ ports, endpoints: content })))
    obsolete.push(...placement.emptied)
  }
  for (const [key, left] of bySamePorts) if (!groups.has(key)) obsolete.push(...left)
  // A service always has a slice: an empty one tells "none" from "not looked yet".
  if (drafts.length === 0 && obsolete.length === ofFamily.length) drafts.push({ ports: [], endpoints: [] })
  const changes = writes(service, family, { owned, updates, drafts, obsolete, triggeredAt })
  return [...changes, ...(told && (changes.length > 0 || !shares) ? tellHints(service, told, owned, family) : [])]
}

/** That there are hints is told once, why there are none with each change, that they were switched off if there were any. */
function tellHints(service: Service, told: HintsTold, before: EndpointSlice[], family: string): Action[] {
  const { type, reason, message } = told
  const had = before.some(({ endpoints }) => endpoints?.some(({ hints }) => hints?.forZones))
  if (type === 'Normal' ? had : told === switchedOff && !had) return []
  return [{ do: 'event', about: service, type, reason, message: `${message}, addressType: ${family}` }]
}

interface Changes {
  owned: EndpointSlice[]
  updates: Map<EndpointSlice, Draft>
  drafts: Draft[]
  obsolete: EndpointSlice[]
  triggeredAt: string | undefined
}

/** A slice that would be deleted while another is created is overwritten instead. */
function writes(service: Service, family: string, { owned, updates, drafts, obsolete, triggeredAt }: Changes): Action[] {
  const reusable = obsolete.filter((slice) => isControlledBy(slice, service))
  const reused = new Map(reusable.slice(0, drafts.length).map((slice, index) => [slice, drafts[index]!]))
  const deleted = obsolete.filter((slice) => !reused.has(slice))
  const labels = labelsFor(service)
  const changed = owned
    .filter((slice) => !deleted.includes(slice))
    .map((slice): EndpointSlice => {
      const { endpoints, ports } = updates.get(slice) ?? reused.get(slice) ?? slice
      return { ...slice, endpoints: endpoints ?? [], ports: ports ?? [], metadata: { ...slice.metadata, labels } }
    })
    .filter(
      (slice) =>
        !semanticEqual(
          slice,
          owned.find(({ metadata }) => metadata.uid === slice.metadata.uid),
        ),
    )
    .map((slice): EndpointSlice => {
      const annotations = withTriggerTime(slice.metadata.annotations, triggeredAt)
      return { ...slice, metadata: { ...slice.metadata, annotations } }
    })
  return [
    ...drafts
      .slice(reused.size)
      .map((draft): Action => ({ do: 'create', kind: 'EndpointSlice', object: newSlice(service, family, draft, triggeredAt) })),
    ...changed.map((object): Action => ({ do: 'update', kind: 'EndpointSlice', object })),
    ...deleted.map(remove),
  ]
}

const newSlice = (service: Service, addressType: string, draft: Draft, triggeredAt: string | undefined): New<EndpointSlice> => ({
  metadata: {
    generateName: `${service.metadata.name}-`,
    namespace: service.metadata.namespace,
    labels: labelsFor(service),
    ...(triggeredAt === undefined ? {} : { annotations: withTriggerTime({}, triggeredAt) }),
    ownerReferences: [controllerReference(service)],
  },
  addressType,
  ...draft,
})

function labelsFor(service: Service): Record<string, string> {
  const own = Object.entries(service.metadata.labels ?? {}).filter(([label]) => !reservedLabels.has(label))
  return {
    ...Object.fromEntries(own),
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
  }
}

interface Group {
  ports: DiscoveryEndpointPort[]
  endpoints: Map<string, Endpoint>
}

function groupByPorts(service: Service, pods: Pod[], nodeOf: Observed['nodeOf'], family: AddressType): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const pod of pods.filter(mayServe)) {
    const node = pod.spec.nodeName ? nodeOf(pod.spec.nodeName) : undefined
    // The pod of a node that is gone will be collected; until then it must not draw traffic.
    if (!node && !service.spec?.publishNotReadyAddresses) continue
    const addresses = addressesOf(pod, family)
    if (addresses.length === 0) continue
    const ports = portsFor(service, pod)
    const key = portsKey(ports)
    const group = groups.get(key) ?? { ports, endpoints: new Map() }
    groups.set(key, group)
    const endpoint = endpointFor(pod, addresses, node, service)
    group.endpoints.set(endpointKey(endpoint), endpoint)
  }
  return groups
}

const portsKey = (ports: readonly DiscoveryEndpointPort[]): string =>
  canonicalHash(
    ports.map(({ name = '', port, protocol, appProtocol }) => `${name}/${port}/${protocol}/${appProtocol ?? ''}`).toSorted(),
  )

const endpointKey = ({ addresses, targetRef }: Endpoint): string => `${targetRef?.uid}/${addresses.join()}`

const addressesOf = ({ status }: Pod, family: AddressType): string[] => {
  const all = status?.podIPs?.length ? status.podIPs.map(({ ip }) => ip) : [status?.podIP]
  return all.filter((ip) => ip !== undefined && isIPv6(ip) === (family === 'IPv6')) as string[]
}

function portsFor({ spec }: Service, pod: Pod): DiscoveryEndpointPort[] {
  return (spec?.ports ?? []).flatMap((servicePort) => {
    const port = targetPortOf(servicePort, pod)
    if (port === null) return []
    const { name = '', protocol = 'TCP', appProtocol } = servicePort
    return [{ name, port, protocol, ...(appProtocol ? { appProtocol } : {}) }]
  })
}

function endpointFor(pod: Pod, addresses: string[], node: Node | undefined, service: Service): Endpoint {
  const serving = isReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const hostname = hostnameFor(pod, service)
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone']
  const ready = Boolean(service.spec?.publishNotReadyAddresses) || (serving && !terminating)
  const hints = ready ? hintsFor(service, zone, pod.spec.nodeName) : undefined
  return {
    addresses,
    // Older proxies know only `ready`: it must not be true while terminating, unless the user asked for it.
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hints ? { hints } : {}),
    targetRef: {
      kind: 'Pod',
      namespace: pod.metadata.namespace,
      name: pod.metadata.name,
      uid: pod.metadata.uid,
    } as NonNullable<Endpoint['targetRef']>,
  }
}

/** Where the endpoint would rather be used from, when the service prefers near ones. */
function hintsFor({ spec }: Service, zone: string | undefined, node: string | undefined): Endpoint['hints'] {
  const preference = spec?.trafficDistribution
  const near = preference === 'PreferClose' || preference === 'PreferSameZone' || preference === 'PreferSameNode'
  if (!near || !zone) return preference === 'PreferSameNode' && node ? { forNodes: [{ name: node }] } : undefined
  return { forZones: [{ name: zone }], ...(preference === 'PreferSameNode' && node ? { forNodes: [{ name: node }] } : {}) }
}
