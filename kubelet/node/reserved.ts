/** Pure: what of the machine is kept from pods, from the flags that say so, and what is left for them. */
import { quantityMilliValue, quantityValue } from '../../api/quantity.ts'
import type { Threshold } from '../eviction/thresholds.ts'

/** By resource: processor time in thousandths, all else in bytes or pieces. */
export type Amounts = Readonly<Record<string, number>>

const resources = ['cpu', 'memory', 'ephemeral-storage', 'pid']

export const measure = (resource: string, text: string): number =>
  resource === 'cpu' ? quantityMilliValue(text) : quantityValue(text)

/** Of `--kube-reserved` and `--system-reserved`. */
export function readReserved(flag: string, values: Readonly<Record<string, string>>): Amounts {
  return Object.fromEntries(
    Object.entries(values).map(([resource, text]) => {
      if (!resources.includes(resource))
        throw new Error(`Cannot read --${flag}: ${JSON.stringify(resource)} is not one of ${resources.join(', ')}`)
      const amount = measure(resource, text)
      if (!(amount >= 0)) throw new Error(`Cannot read --${flag}: ${resource} cannot be ${text}`)
      return [resource, amount]
    }),
  )
}

const evictionResources: Partial<Record<Threshold['signal'], string>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
}

/** Below its hard thresholds a node ends pods: what would take it there is nobody's to ask for. */
export function reservedForEviction(thresholds: readonly Threshold[], capacity: Amounts): Amounts {
  return Object.fromEntries(
    thresholds.flatMap(({ signal, value, graceMs }) => {
      const resource = evictionResources[signal]
      if (!resource || graceMs > 0) return []
      return [[resource, 'share' in value ? Math.floor(value.share * (capacity[resource] ?? 0)) : value.quantity]]
    }),
  )
}

export const addAmounts = (...all: readonly Amounts[]): Amounts =>
  all.reduce((sum, amounts) => {
    const names = new Set([...Object.keys(sum), ...Object.keys(amounts)])
    return Object.fromEntries([...names].map((name) => [name, (sum[name] ?? 0) + (amounts[name] ?? 0)]))
  }, {})
