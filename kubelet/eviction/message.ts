/** Pure: what an evicted pod's status says, in upstream's words. */
import type { Pod } from '../../api/generated/types.ts'
import { quantityFromInteger, quantityToString, quantityValue } from '../../api/quantity.ts'
import type { PodUsage } from './rank.ts'
import { amountOf, amountText, type Observation, resourceOf, type Threshold } from './thresholds.ts'

export function evictionMessage(pod: Pod, { signal, value }: Threshold, seen: Observation, usage: PodUsage | undefined): string {
  const resource = resourceOf(signal)
  const [wanted, available] = [amountOf(value, seen.capacity), seen.available].map((amount) => amountText(signal, amount))
  const head = `The node was low on resource: ${resource}. Threshold quantity: ${wanted}, available: ${available}. `
  if (resource === 'pids' || resource === 'inodes') return head
  const users = (usage?.containers ?? []).flatMap(({ name, memoryBytes, diskBytes }) => {
    const container = pod.spec.containers.find((candidate) => candidate.name === name)
    const request = container?.resources?.requests?.[resource] ?? '0'
    const used = resource === 'memory' ? memoryBytes : diskBytes
    if (!container || used <= quantityValue(request)) return []
    const text = quantityToString(quantityFromInteger(Math.floor(used / 1024) * 1024, 'BinarySI'))
    return [`Container ${name} was using ${text}, request is ${request}, has larger consumption of ${resource}. `]
  })
  return head + users.join('')
}
