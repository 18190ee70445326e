/** Pure: the quality of service class of a pod, and the order in which the kernel ends containers that it implies. */
import type { Container, Pod } from '../api/generated/types.ts'
import { quantityValue } from '../api/quantity.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const counted = ['cpu', 'memory'] as const

/** Ephemeral containers have no resources and do not count. */
export function computeQosClass({ spec }: Pod): QosClass {
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  const positive = (list: Record<string, string> | undefined, name: string) => quantityValue(list?.[name] ?? '0') > 0
  const any = containers.some(({ resources }) =>
    counted.some((name) => positive(resources?.requests, name) || positive(resources?.limits, name)),
  )
  if (!any) return 'BestEffort'
  const fixed = containers.every(({ resources }) =>
    counted.every((name) => {
      const limit = resources?.limits?.[name]
      const request = resources?.requests?.[name] ?? limit
      return positive(resources?.limits, name) && quantityValue(request ?? '0') === quantityValue(limit ?? '0')
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
  const request = quantityValue(container.resources?.requests?.memory ?? '0')
  const score = Math.floor(1000 - (1000 * request) / memoryCapacity)
  return Math.min(999, Math.max(1000 - 997, score))
}
