/** The cluster's names as the caches hold them: which service, endpoint or pod a name means, and the other way round. */
import type { EndpointSlice, Namespace, Service } from '../../api/generated/types.ts'

/** Read-only lookups; `main.ts` makes them of informers with the indexes below. */
export interface ClusterView {
  service(namespace: string, name: string): Service | undefined
  namespace(name: string): Namespace | undefined
  /** Slices of one service. */
  slices(namespace: string, service: string): EndpointSlice[]
  serviceByAddress(address: string): Service | undefined
  slicesByAddress(address: string): EndpointSlice[]
}

const SERVICE_LABEL = 'kubernetes.io/service-name'

export const sliceIndexes = {
  service: ({ metadata: { namespace, labels } }: EndpointSlice): string[] =>
    labels?.[SERVICE_LABEL] ? [`${namespace}/${labels[SERVICE_LABEL]}`] : [],
  address: ({ endpoints }: EndpointSlice): string[] => (endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
}

export const serviceIndexes = {
  address: ({ spec }: Service): string[] => clusterAddresses(spec),
}

export const serviceOfSlice = ({ metadata: { labels } }: EndpointSlice): string | undefined => labels?.[SERVICE_LABEL]

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === 'None'

export const clusterAddresses = (spec: Service['spec']): string[] =>
  (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((address) => address && address !== 'None')

/** One address behind a headless service. */
export interface NamedEndpoint {
  /** Of the pod when it has one (StatefulSets), else the address with dashes. */
  hostname: string
  address: string
  family: 4 | 6
  ports: { name: string; protocol: string; port: number }[]
}

/** Ready endpoints only; `publishNotReadyAddresses` is already in the slices' own `ready`. */
export function endpointsOf(slices: readonly EndpointSlice[]): NamedEndpoint[] {
  return slices.flatMap(({ addressType, endpoints, ports }) =>
    (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses, hostname }) =>
        addresses.map((address) => ({
          hostname: hostname || address.replaceAll(/[.:]/g, '-'),
          address,
          family: addressType === 'IPv6' ? (6 as const) : (4 as const),
          ports: (ports ?? []).map(({ name, protocol, port }) => ({
            name: name ?? '',
            protocol: (protocol ?? 'TCP').toLowerCase(),
            port: port ?? 0,
          })),
        })),
      ),
  )
}
