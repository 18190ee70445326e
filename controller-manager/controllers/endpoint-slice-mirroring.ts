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
/** Of one subset; what is beyond is left out. */
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
  !metadata.annotations?.[leaderAnnotation] &&
  !metadata.deletionTimestamp

export function reconcile(endpoints: Endpoints, { service, slices }: Observed): Action[] {
  if (!isMirrored(endpoints, service)) return slices.map(remove)
  const owned = slices.filter((slice) => isControlledBy(slice, endpoints))
  const foreign = slices.filter((slice) => !isControlledBy(slice, endpoints))
  const used = new Set<EndpointSlice>()
  const actions = (endpoints.subsets ?? []).flatMap((subset) =>
    (['IPv4', 'IPv6'] as const).flatMap((family) => mirrorSubset(endpoints, subset, family, owned, used)),
  )
  return [...actions, ...[...foreign, ...owned.filter((slice) => !used.has(slice))].map(remove)]
}

function mirrorSubset(
  endpoints: Endpoints,
  subset: EndpointSubset,
  family: 'IPv4' | 'IPv6',
  owned: readonly EndpointSlice[],
  used: Set<EndpointSlice>,
): Action[] {
  const desired = new Map(
    [...collect(subset.addresses, true, family), ...collect(subset.notReadyAddresses, false, family)].slice(0, capacity),
  )
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
  const labels = labelsFor(endpoints)
  const kept = candidates.filter((slice) => !emptied.includes(slice))
  for (const slice of kept) used.add(slice)
  return [
    ...kept.flatMap((slice): Action[] => {
      const next = { ...slice, endpoints: updated.get(slice) ?? slice.endpoints ?? [], metadata: { ...slice.metadata, labels } }
      return semanticEqual(next, slice) ? [] : [{ do: 'update', kind: 'EndpointSlice', object: next }]
    }),
    ...created.map((content): Action => {
      const { name, namespace } = endpoints.metadata
      const object: New<EndpointSlice> = {
        metadata: { generateName: `${name}-`, namespace, labels, ownerReferences: [controllerReference(endpoints)] },
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

const collect = (
  addresses: readonly EndpointAddress[] | undefined,
  ready: boolean,
  family: 'IPv4' | 'IPv6',
): [string, Endpoint][] =>
  (addresses ?? [])
    .filter(({ ip }) => isIPv6(ip) === (family === 'IPv6'))
    .map(({ ip, hostname, nodeName, targetRef }) => [
      ip,
      {
        addresses: [ip],
        conditions: { ready },
        ...(hostname ? { hostname } : {}),
        ...(nodeName ? { nodeName } : {}),
        ...(targetRef ? { targetRef } : {}),
      },
    ])
