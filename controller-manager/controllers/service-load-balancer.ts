/** Service load balancer: gives services of type LoadBalancer an address of a range that clients outside can reach. */
import type { Service } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { updateStatus, withFinalizers, withoutFinalizer } from '../status-patch.ts'
import { createRangeAllocator } from './node/range-allocator.ts'

const finalizer = 'service.kubernetes.io/load-balancer-cleanup'

/** Someone else's class is someone else's to serve. */
const wantsAddress = ({ spec, metadata }: Service): boolean =>
  spec?.type === 'LoadBalancer' && !spec.loadBalancerClass && !metadata.deletionTimestamp

export function createServiceLoadBalancer(cidr: string): Controller<'Service', string | null> {
  const allocator = createRangeAllocator(cidr, cidr.includes(':') ? 128 : 32)
  let known = false
  const occupy = (service: Service) => {
    const ip = service.status?.loadBalancer?.ingress?.[0]?.ip
    if (ip && wantsAddress(service)) allocator.occupy(keyOf(service), `${ip}/${ip.includes(':') ? 128 : 32}`)
  }
  // The first address names the range itself.
  allocator.take('range')
  return {
    name: 'service-lb-controller',
    for: 'Service',
    observe(service, cache) {
      if (!known) cache.of('Service').list().forEach(occupy)
      known = true
      if (!wantsAddress(service)) {
        allocator.release(keyOf(service))
        return null
      }
      const wanted = service.spec?.loadBalancerIP
      if (wanted && allocator.occupy(keyOf(service), `${wanted}/${wanted.includes(':') ? 128 : 32}`)) return wanted
      return allocator.take(keyOf(service))?.split('/')[0] ?? null
    },
    reconcile,
    gone(key) {
      allocator.release(keyOf({ metadata: key }))
      return []
    },
  }
}

export function reconcile(service: Service, address: string | null): Action[] {
  const { finalizers = [] } = service.metadata
  const current = service.status?.loadBalancer?.ingress ?? []
  const event = (reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): Action => ({
    do: 'event',
    about: service,
    type,
    reason,
    message,
  })
  if (!wantsAddress(service)) {
    if (!finalizers.includes(finalizer)) return []
    return [
      ...(current.length > 0 && !service.metadata.deletionTimestamp
        ? updateStatus(service, { ...service.status, loadBalancer: {} })
        : []),
      withoutFinalizer(service, finalizer),
      event('DeletedLoadBalancer', 'Deleted load balancer'),
    ]
  }
  if (!address)
    return [
      event('SyncLoadBalancerFailed', 'Error syncing load balancer: no address is free', 'Warning'),
      { do: 'requeue', afterMs: 30_000 },
    ]
  const claimed = finalizers.includes(finalizer) ? [] : [withFinalizers(service, [...finalizers, finalizer])]
  const ingress = [{ ip: address, ipMode: 'VIP' }]
  if (semanticEqual(current, ingress)) return claimed
  return [
    event('EnsuringLoadBalancer', 'Ensuring load balancer'),
    ...claimed,
    ...updateStatus(service, { ...service.status, loadBalancer: { ingress } }),
    event('EnsuredLoadBalancer', 'Ensured load balancer'),
  ]
}
