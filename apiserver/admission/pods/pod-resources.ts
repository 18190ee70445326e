/** What a pod asks of a node in all: containers side by side, init containers one after another, sidecars under both. */
import type { Container, PodSpec } from '../../../api/generated/types.ts'
import { addQuantity, compareQuantity, parseQuantity, quantityToString, ZERO, type Quantity } from '../../../api/quantity.ts'

export type ResourceList = Readonly<Record<string, string>>
export type Amounts = Map<string, Quantity>

export const toAmounts = (list: ResourceList | undefined): Amounts =>
  new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]))

export const toList = (amounts: Amounts): Record<string, string> =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, quantityToString(amount)]))

export const add = (a: Amounts, b: Amounts): Amounts => merge(a, b, addQuantity)

export const max = (a: Amounts, b: Amounts): Amounts =>
  merge(a, b, (one, other) => (compareQuantity(one, other) < 0 ? other : one))

function merge(a: Amounts, b: Amounts, by: (a: Quantity, b: Quantity) => Quantity): Amounts {
  const result = new Map(a)
  for (const [name, amount] of b) result.set(name, result.has(name) ? by(result.get(name)!, amount) : amount)
  return result
}

/** `requests` with the overhead of the runtime; amounts that the pod itself states win over the sum of its containers. */
export function computePodResources(spec: PodSpec, kind: 'requests' | 'limits'): Amounts {
  const of = ({ resources }: Container): Amounts => toAmounts(resources?.[kind])
  let total = spec.containers.map(of).reduce(add, new Map<string, Quantity>())
  let sidecars: Amounts = new Map()
  let highest: Amounts = new Map()
  for (const container of spec.initContainers ?? []) {
    const own = of(container)
    if (container.restartPolicy === 'Always') {
      sidecars = add(sidecars, own)
      total = add(total, own)
      highest = max(highest, sidecars)
    } else {
      // Sidecars that came before it run beside it.
      highest = max(highest, add(sidecars, own))
    }
  }
  total = max(total, highest)
  for (const [name, amount] of toAmounts(spec.resources?.[kind])) total.set(name, amount)
  // An overhead adds to limits that exist; it makes none where there were none.
  for (const [name, amount] of toAmounts(spec.overhead)) {
    if (kind === 'requests' || total.has(name)) total.set(name, addQuantity(total.get(name) ?? ZERO, amount))
  }
  return total
}

/** Anything with a domain of its own: `nvidia.com/gpu`, and not a resource of Kubernetes or of a quota. */
export const isExtendedResource = (name: string): boolean =>
  name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.')
