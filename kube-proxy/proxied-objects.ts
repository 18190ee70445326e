/** What the proxy watches: the services that it serves, their slices, and the node it runs on. */
import type { EndpointSlice, Node, Service } from '../api/generated/types.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { Informer } from '../client/informer.ts'
import { createSharedInformers, type SharedInformers, type SharedInformersOptions } from '../client/shared-informers.ts'
import { trimPod } from './network-policy/policy-peers.ts'

export interface ProxiedObjects {
  informers: SharedInformers
  services: Informer<Service>
  slices: Informer<EndpointSlice>
  nodes: Informer<Node>
  /** By the service's key. */
  slicesOf(key: string): readonly EndpointSlice[]
  /** Undefined while nobody has registered it. */
  ownNode(): Node | undefined
  /** Begins to watch; resolves when everything there is at the start is known. */
  start(): Promise<void>
}

const serviceNameLabel = 'kubernetes.io/service-name'
/** Headless services and those of other proxies are not ours. */
const proxied = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name'

export function createProxiedObjects(
  client: ApiClient,
  nodeName: string,
  options: Omit<SharedInformersOptions, 'scopes' | 'ingest'>,
): ProxiedObjects {
  const informers = createSharedInformers(client, {
    ...options,
    scopes: {
      Service: { labelSelector: proxied },
      EndpointSlice: { labelSelector: proxied },
      Node: { fieldSelector: `metadata.name=${nodeName}` },
    },
    ingest: { Pod: trimPod },
  })
  const services = informers.informer('Service')
  const slices = informers.informer('EndpointSlice')
  const nodes = informers.informer('Node')
  slices.addIndexes({ service: (slice) => [serviceKeyOf(slice)] })
  return {
    informers,
    services,
    slices,
    nodes,
    slicesOf: (key) => slices.store.byIndex('service', key),
    ownNode: () => nodes.store.get(nodeName),
    async start() {
      informers.start()
      await Promise.all([services.whenSynced(), slices.whenSynced(), nodes.whenSynced()])
    },
  }
}

/** The key of the service that the slice belongs to. */
export const serviceKeyOf = ({ metadata }: EndpointSlice): string =>
  `${metadata.namespace}/${metadata.labels?.[serviceNameLabel] ?? ''}`

/** When the pod changed that made the controller write this slice. */
export function triggeredAt({ metadata }: EndpointSlice): Date | undefined {
  const text = metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time']
  const time = text ? new Date(text) : undefined
  return time && !Number.isNaN(time.getTime()) ? time : undefined
}
