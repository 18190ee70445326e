/** What the ingress controller watches: the ingresses of its classes, and what they may lead to. */
import type { Ingress, IngressLoadBalancerIngress, Service } from '../../api/generated/types.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { createSharedInformers, type SharedInformersOptions } from '../../client/shared-informers.ts'
import type { ClusterView } from './compute-routes.ts'

const CONTROLLER = 'kubelab.local/ingress'
const classAnnotation = 'kubernetes.io/ingress.class'

export interface IngressObjects {
  /** The ingresses that are ours to serve. */
  ours(): Ingress[]
  cluster: Omit<ClusterView, 'isRefused'>
  /** The addresses of the service in front, which are those of every ingress. */
  addresses(): IngressLoadBalancerIngress[]
  /** Begins to watch; resolves when everything there is at the start is known. Each change from then on is told. */
  start(changed: () => void): Promise<void>
}

/** `front` is the key of the service in front. */
export function createIngressObjects(
  client: ApiClient,
  front: string,
  options: Omit<SharedInformersOptions, 'scopes'>,
): IngressObjects {
  const informers = createSharedInformers(client, {
    ...options,
    scopes: { Secret: { fieldSelector: 'type=kubernetes.io/tls' } },
  })
  const ingresses = informers.informer('Ingress')
  const classes = informers.informer('IngressClass')
  const services = informers.informer('Service')
  const slices = informers.informer('EndpointSlice')
  const secrets = informers.informer('Secret')
  slices.addIndexes({
    service: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`],
  })

  const isOurs = ({ metadata, spec }: Ingress): boolean => {
    const name = spec?.ingressClassName ?? metadata.annotations?.[classAnnotation]
    return !metadata.deletionTimestamp && name !== undefined && classes.store.get(name)?.spec?.controller === CONTROLLER
  }
  return {
    ours: () => ingresses.store.list().filter(isOurs),
    cluster: {
      service: (key) => services.store.get(key),
      slices: (key) => slices.store.byIndex('service', key),
      secret: (key) => secrets.store.get(key),
    },
    addresses: () => addressesOf(services.store.get(front)),
    async start(changed) {
      informers.start()
      await informers.whenSynced()
      // Not before: with a part of the cluster unknown, routes would be taken away that are asked for.
      for (const informer of [ingresses, classes, services, slices, secrets])
        informer.addHandlers({ added: changed, updated: changed, deleted: changed })
    },
  }
}

export const addressesOf = (object: Service | Ingress | undefined): IngressLoadBalancerIngress[] =>
  object?.status?.loadBalancer?.ingress?.map(({ ip }) => ({ ip })) ?? []
