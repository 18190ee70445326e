/** Which pods stand behind a service, and what of them its endpoints show: shared by slices and legacy Endpoints. */
import type { Pod, Service, ServicePort } from '../../../api/generated/types.ts'
import { selectorFromSet } from '../../../api/labels.ts'
import { keyOf } from '../../../api/object.ts'
import type { Cache } from '../../../client/cache.ts'
import type { Wake } from '../../../client/controller.ts'
import { isFinished } from '../../pods.ts'

export const headlessLabel = 'service.kubernetes.io/headless'

/** Services without a selector, and names for elsewhere, get their endpoints from someone else. */
export const hasOwnEndpoints = ({ spec }: Service): boolean =>
  spec?.selector !== undefined && Object.keys(spec.selector).length > 0 && spec.type !== 'ExternalName'

export const isHeadless = ({ spec }: Service): boolean => !spec?.clusterIP || spec.clusterIP === 'None'

export function podsBehind(service: Service, cache: Cache): Pod[] {
  const selector = selectorFromSet(service.spec?.selector)
  return cache
    .of('Pod')
    .list(service.metadata.namespace)
    .filter((pod) => selector.matches(pod.metadata.labels))
}

export const podsWakeServices: Wake<'Pod'> = {
  kind: 'Pod',
  wakes: ({ metadata: { namespace, labels } }, cache) =>
    cache
      .of('Service')
      .list(namespace)
      .filter((service) => hasOwnEndpoints(service) && selectorFromSet(service.spec?.selector).matches(labels))
      .map(keyOf),
}

/** Pods that will never run again serve nothing, evicted ones included; all others with an address do or will. */
export const mayServe = (pod: Pod): boolean => !isFinished(pod) && Boolean(pod.status?.podIP ?? pod.status?.podIPs?.length)

/** The number behind a service port for this pod; null when the pod has no port of that name. */
export function targetPortOf({ targetPort, port, protocol = 'TCP' }: ServicePort, pod: Pod): number | null {
  if (typeof targetPort !== 'string') return targetPort || port
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const named = [...pod.spec.containers, ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .find((candidate) => candidate.name === targetPort && (candidate.protocol ?? 'TCP') === protocol)
  return named?.containerPort ?? null
}

/** A pod's own name in DNS: only under the headless service it names as its subdomain. */
export const hostnameFor = ({ spec }: Pod, service: Service): string | undefined =>
  spec.hostname && spec.subdomain === service.metadata.name ? spec.hostname : undefined

export const isIPv6 = (address: string): boolean => address.includes(':')
