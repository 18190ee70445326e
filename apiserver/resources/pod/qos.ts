/** The quality-of-service class of a pod: computed once, when it is made. */
import type { PodSpec, ResourceRequirements } from '../../../api/generated/types.ts'
import { compareQuantityText } from '../../../api/quantity.ts'

const COMPUTE = ['cpu', 'memory'] as const

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

export function computeQosClass({ containers, initContainers, resources }: PodSpec): QosClass {
  const parties: ResourceRequirements[] =
    resources && hasCompute(resources)
      ? [resources]
      : [...containers, ...(initContainers ?? [])].map((container) => container.resources ?? {})
  if (!parties.some(hasCompute)) return 'BestEffort'
  return parties.every(isGuaranteed) ? 'Guaranteed' : 'Burstable'
}

const isSet = (quantity: string | undefined): quantity is string => quantity !== undefined && quantity !== '0'

const hasCompute = ({ limits, requests }: ResourceRequirements): boolean =>
  COMPUTE.some((name) => isSet(limits?.[name]) || isSet(requests?.[name]))

/** Limits of both, and requests that are the same or left out. */
const isGuaranteed = ({ limits, requests }: ResourceRequirements): boolean =>
  COMPUTE.every((name) => {
    const limit = limits?.[name]
    if (!isSet(limit)) return false
    const request = requests?.[name]
    return !isSet(request) || compareQuantityText(request, limit) === 0
  })
