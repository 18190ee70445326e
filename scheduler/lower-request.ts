/** How much less a pod would have to request to fit on a node as full as it is. */
import type { Pod } from '../api/generated/types.ts'
import { quantityFromInteger, quantityFromMilli, quantityToString } from '../api/quantity.ts'
import { withSpec } from './changes.ts'
import type { Change } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import { amountOf, toResources } from './pod-requests.ts'

const mebibyte = 2 ** 20

/** Answers a change to nothing at all when nothing of the resource is free. */
export function lowerRequest({ pod, requests }: PodInfo, { allocatable, requested }: NodeInfo, resource: string): Change {
  const overhead = amountOf(toResources(pod.spec.overhead), resource)
  const asked = amountOf(requests, resource) - overhead
  const free = round(Math.max(0, amountOf(allocatable, resource) - amountOf(requested, resource) - overhead), resource)
  const text =
    free === 0
      ? `it requested no ${resource} (it asks for ${format(asked, resource)})`
      : `it requested at most ${format(free, resource)} of ${resource} (it asks for ${format(asked, resource)})`
  return { kind: `request ${resource}`, text, cost: 1 - free / asked, pod: (before) => withRequest(before, resource, free) }
}

/** Said for the pod as a whole: which container gives way is for its author to choose. */
function withRequest(pod: Pod, resource: string, amount: number): Pod {
  const { resources } = pod.spec
  const text = resource === 'cpu' ? `${amount}m` : String(amount)
  if (resource === 'cpu' || resource === 'memory' || resource.startsWith('hugepages-')) {
    return withSpec(pod, { resources: { ...resources, requests: { ...resources?.requests, [resource]: text } } })
  }
  // Others have no request of the whole pod: one container stands for all.
  const list = (asked: Readonly<Record<string, string>> | undefined, own: string) => ({ ...asked, [resource]: own })
  const of = (index: number) => (index === 0 ? text : '0')
  return withSpec(pod, {
    containers: pod.spec.containers.map((container, index) => ({
      ...container,
      resources: { ...container.resources, requests: list(container.resources?.requests, of(index)) },
    })),
    initContainers: (pod.spec.initContainers ?? []).map((container) => ({
      ...container,
      resources: { ...container.resources, requests: list(container.resources?.requests, '0') },
    })),
  })
}

/** Bytes are told in whole mebibytes where there are some. */
const round = (amount: number, resource: string): number =>
  isBytes(resource) && amount > mebibyte ? Math.floor(amount / mebibyte) * mebibyte : amount

const isBytes = (resource: string): boolean =>
  resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-')

function format(amount: number, resource: string): string {
  if (resource === 'cpu') return quantityToString(quantityFromMilli(amount))
  return quantityToString(quantityFromInteger(amount, isBytes(resource) ? 'BinarySI' : 'DecimalSI'))
}

export const morePods = ({ allowedPods }: NodeInfo): Change => ({
  kind: 'more pods',
  text: `the node took more pods (it takes ${allowedPods})`,
  cost: 0.5,
  node: (node) => ({
    ...node,
    status: { ...node.status, allocatable: { ...node.status?.allocatable, pods: String(allowedPods + 1) } },
  }),
})
