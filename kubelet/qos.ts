/** Pure: the quality of service class of a pod, and the order in which the kernel ends containers that it implies. */
import type { Container, Pod } from '../api/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../api/quantity.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const counted = ['cpu', 'memory'] as const

/** Resources of the pod as a whole decide alone. Ephemeral containers have none and do not count. */
export function computeQosClass({ spec }: Pod): QosClass {
  const containers = spec.resources ? [{ resources: spec.resources }] : [...(spec.initContainers ?? []), ...spec.containers]
  const positive = (list: Record<string, string> | undefined, name: string) => quantityMilliValue(list?.[name] ?? '0') > 0
  const any = containers.some(({ resources }) =>
    counted.some((name) => positive(resources?.requests, name) || positive(resources?.limits, name)),
  )
  if (!any) return 'BestEffort'
  const fixed = containers.every(({ resources }) =>
    counted.every((name) => {
      const limit = resources?.limits?.[name]
      const request = resources?.requests?.[name] ?? limit
      return positive(resources?.limits, name) && quantityMilliValue(request ?? '0') === quantityMilliValue(limit ?? '0')
    }),
  )
  return fixed ? 'Guaranteed' : 'Burstable'
}

const systemCritical = 2_000_000_000

/** The more memory a container asked for, the later it goes. */
export function computeOomScoreAdj(pod: Pod, container: Container, memoryCapacity: number): number {
  if ((pod.spec.priority ?? 0) >= systemCritical) return -997
  const qos = computeQosClass(pod)
  if (qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const request = memoryRequest(container) + unclaimedMemory(pod)
  const score = Math.floor(1000 - (1000 * request) / memoryCapacity)
  return Math.min(999, Math.max(1000 - 997, score))
}

const memoryRequest = ({ resources }: Container): number => quantityValue(resources?.requests?.memory ?? '0')

/** What the pod as a whole asks for beyond its containers counts for each of them in equal parts. */
function unclaimedMemory({ spec }: Pod): number {
  const whole = quantityValue(spec.resources?.requests?.memory ?? '0')
  const claimed = spec.containers.reduce((sum, container) => sum + memoryRequest(container), 0)
  return Math.max(0, whole - claimed) / spec.containers.length
}
