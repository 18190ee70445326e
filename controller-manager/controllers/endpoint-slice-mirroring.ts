/** Endpoint slice mirroring: Endpoints that users write for services without a selector appear as slices too. */
import type { Endpoint, EndpointAddress, Endpoints, EndpointSlice, EndpointSubset, Service } from '../../api/generated/types.ts'
import { controllerReference, isControlledBy, keyOf, type New } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { remove } from '../status-patch.ts'
import { managedByLabel, serviceNameLabel } from './endpoint-slice.ts'
import { isIPv6 } from './endpoints/service-pods.ts'
import { placeEndpoints } from './endpoints/slice-placement.ts'

const managedBy = 'endpointslicemirroring-controller.k8s.io'
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
/** They tell of the Endpoints object itself. */
const ownAnnotations = new Set([
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/last-applied-configuration',
])
/** Addresses of one subset, the ready ones first; what is beyond is left out. */
const capacity = 1000

export interface Observed {
  service: Service | undefined
  slices: EndpointSlice[]
}

const serviceIndex = {
  mirrored: ({ metadata }: EndpointSlice): readonly string[] =>
    metadata.labels?.[managedByLabel] === managedBy ? [`${metadata.namespace}/${metadata.labels[serviceNameLabel]}`] : [],
}

export const endpointSliceMirroring: Controller<'Endpoints', Observed> = {
  name: 'endpointslice-mirroring-controller',
  for: 'Endpoints',
  watches: [
    { kind: 'Service', wakes: (service: Service) => [keyOf(service)] },
    { kind: 'EndpointSlice', wakes: (slice: EndpointSlice) => serviceIndex.mirrored(slice) },
  ],
  indexes: { EndpointSlice: serviceIndex },
  observe: (endpoints, cache) => ({
    service: cache.of('Service').get(keyOf(endpoints)),
    slices: cache.of('EndpointSlice').byIndex('mirrored', keyOf(endpoints)),
  }),
  reconcile,
  gone: ({ namespace, name }, cache) => cache.of('EndpointSlice').byIndex('mirrored', `${namespace}/${name}`).map(remove),
}

const isMirrored = ({ metadata }: Endpoints, service: Service | undefined): boolean =>
  service !== undefined &&
  !service.spec?.selector &&
  metadata.labels?.[skipLabel] !== 'true' &&
  metadata.annotations?.[leaderAnnotation] === undefined &&
  !metadata.deletionTimestamp

export function reconcile(endpoints: Endpoints, { service, slices }: Observed): Action[] {
  if (!isMirrored(endpoints, service)) return slices.map(remove)
  const owned = slices.filter((slice) => isControlledBy(slice, endpoints))
  const foreign = slices.filter((slice) => !isControlledBy(slice, endpoints))
  const used = new Set<EndpointSlice>()
  const mirrored = (endpoints.subsets ?? []).flatMap((subset) => {
    const shown = collect(subset).slice(0, capacity)
    return (['IPv4', 'IPv6'] as const).flatMap((family) => mirrorSubset(endpoints, subset, shown, family, owned, used))
  })
  const actions = [...mirrored, ...[...foreign, ...owned.filter((slice) => !used.has(slice))].map(remove)]
  // Told with each change, not with each look.
  return actions.length > 0 ? [...actions, ...tooMany(endpoints)] : []
}

function tooMany(endpoints: Endpoints): Action[] {
  const counts = (endpoints.subsets ?? []).map((subset) => Math.max(0, collect(subset).length - capacity))
  const skipped = counts.reduce((total, count) => total + count, 0)
  if (skipped === 0) return []
  const message = `A max of ${capacity} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`
  return [{ do: 'event', about: endpoints, type: 'Warning', reason: 'TooManyAddressesToMirror', message }]
}

function mirrorSubset(
  endpoints: Endpoints,
  subset: EndpointSubset,
  shown: readonly [string, Endpoint][],
  family: 'IPv4' | 'IPv6',
  owned: readonly EndpointSlice[],
  used: Set<EndpointSlice>,
): Action[] {
  const desired = new Map(shown.filter(([ip]) => isIPv6(ip) === (family === 'IPv6')))
  if (desired.size === 0) return []
  const ports = (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol ? { appProtocol } : {}),
  }))
  const candidates = owned.filter(
    (slice) => !used.has(slice) && slice.addressType === family && semanticEqual(slice.ports, ports),
  )
  const { updated, emptied, created } = placeEndpoints(candidates, (slice) => slice.endpoints ?? [], desired, {
    keyOf: ({ addresses }) => addresses[0] ?? '',
    equal: semanticEqual,
    capacity,
  })
  const copied = { labels: labelsFor(endpoints), annotations: annotationsFor(endpoints) }
  const kept = candidates.filter((slice) => !emptied.includes(slice))
  for (const slice of kept) used.add(slice)
  return [
    ...kept.flatMap((slice): Action[] => {
      const next = {
        ...slice,
        endpoints: updated.get(slice) ?? slice.endpoints ?? [],
        metadata: { ...slice.metadata, ...copied },
      }
      return semanticEqual(next, slice) ? [] : [{ do: 'update', kind: 'EndpointSlice', object: next }]
    }),
    ...created.map((content): Action => {
      const { name, namespace } = endpoints.metadata
      const object: New<EndpointSlice> = {
        metadata: { generateName: `${name}-`, namespace, ...copied, ownerReferences: [controllerReference(endpoints)] },
        addressType: family,
        ports,
        endpoints: content,
      }
      return { do: 'create', kind: 'EndpointSlice', object }
    }),
  ]
}

const labelsFor = ({ metadata }: Endpoints): Record<string, string> => ({
  ...metadata.labels,
  [serviceNameLabel]: metadata.name,
  [managedByLabel]: managedBy,
})

const annotationsFor = ({ metadata }: Endpoints): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !ownAnnotations.has(name)))

const collect = ({ addresses = [], notReadyAddresses = [] }: EndpointSubset): [string, Endpoint][] => [
  ...addresses.map((address) => endpointOf(address, true)),
  ...notReadyAddresses.map((address) => endpointOf(address, false)),
]

const endpointOf = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): [string, Endpoint] => [
  ip,
  {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {}),
  },
]
