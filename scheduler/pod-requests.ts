/** What a pod asks a node for, as upstream adds it up: containers together, or the widest moment of its start. */
import type { Container, Pod } from '../api/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../api/quantity.ts'

/** Amounts in the units that nodes are counted in. */
export interface Resources {
  milliCpu: number
  memory: number
  ephemeralStorage: number
  /** Extended resources and huge pages. */
  scalars: ReadonlyMap<string, number>
}

const none: ReadonlyMap<string, number> = new Map()
const NO_RESOURCES: Resources = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: none }

/** A container that asks for nothing still weighs something when nodes are compared. */
const defaultMilliCpu = 100
const defaultMemory = 200 * 1024 * 1024

export function toResources(list: Readonly<Record<string, string>> | undefined): Resources {
  if (!list) return NO_RESOURCES
  let scalars: Map<string, number> | undefined
  for (const [name, amount] of Object.entries(list)) {
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || name === 'pods') continue
    scalars ??= new Map()
    scalars.set(name, quantityValue(amount))
  }
  return {
    milliCpu: list['cpu'] ? quantityMilliValue(list['cpu']) : 0,
    memory: list['memory'] ? quantityValue(list['memory']) : 0,
    ephemeralStorage: list['ephemeral-storage'] ? quantityValue(list['ephemeral-storage']) : 0,
    scalars: scalars ?? none,
  }
}

export function amountOf({ milliCpu, memory, ephemeralStorage, scalars }: Resources, resource: string): number {
  switch (resource) {
    case 'cpu':
      return milliCpu
    case 'memory':
      return memory
    case 'ephemeral-storage':
      return ephemeralStorage
    default:
      return scalars.get(resource) ?? 0
  }
}

const addResources = (a: Resources, b: Resources): Resources => combine(a, b, (x, y) => x + y)
const widest = (a: Resources, b: Resources): Resources => combine(a, b, Math.max)

function combine(a: Resources, b: Resources, of: (x: number, y: number) => number): Resources {
  let scalars = a.scalars
  if (b.scalars.size > 0) {
    const merged = new Map(a.scalars)
    for (const [name, amount] of b.scalars) merged.set(name, of(merged.get(name) ?? 0, amount))
    scalars = merged
  }
  return {
    milliCpu: of(a.milliCpu, b.milliCpu),
    memory: of(a.memory, b.memory),
    ephemeralStorage: of(a.ephemeralStorage, b.ephemeralStorage),
    scalars,
  }
}

const requestsOf = (container: Container): Resources => toResources(container.resources?.requests)

function nonZeroRequestsOf(container: Container): Resources {
  const requests = container.resources?.requests
  const asked = toResources(requests)
  return {
    ...asked,
    milliCpu: requests?.['cpu'] === undefined ? defaultMilliCpu : asked.milliCpu,
    memory: requests?.['memory'] === undefined ? defaultMemory : asked.memory,
  }
}

/** What the node must have free for the pod. */
export const computePodRequests = (pod: Pod): Resources => total(pod, holding(pod, requestsOf))

/** The same with the default weight of containers that ask for nothing: scores use it. */
export const computeNonZeroRequests = (pod: Pod): Resources => total(pod, holding(pod, nonZeroRequestsOf))

/** While a container is resized in place, the larger of what it asks for and what it still has. */
function holding({ status }: Pod, of: (container: Container) => Resources): (container: Container) => Resources {
  const statuses = status?.containerStatuses?.filter(({ allocatedResources }) => allocatedResources !== undefined)
  if (!statuses?.length) return of
  return (container) => {
    const held = statuses.find(({ name }) => name === container.name)?.allocatedResources
    return held ? widest(of(container), toResources(held)) : of(container)
  }
}

function total({ spec }: Pod, of: (container: Container) => Resources): Resources {
  let running = NO_RESOURCES
  for (const container of spec.containers) running = addResources(running, of(container))
  // Init containers run one after the other, each beside the sidecars that were started before it.
  let sidecars = NO_RESOURCES
  let start = NO_RESOURCES
  for (const container of spec.initContainers ?? []) {
    const asked = of(container)
    if (container.restartPolicy === 'Always') {
      sidecars = addResources(sidecars, asked)
      start = widest(start, sidecars)
    } else start = widest(start, addResources(sidecars, asked))
  }
  let sum = widest(addResources(running, sidecars), start)
  if (spec.resources?.requests) sum = override(sum, spec.resources.requests)
  return spec.overhead ? addResources(sum, toResources(spec.overhead)) : sum
}

/** Requests of the pod as a whole replace the sum, for the resources that they name. */
function override(sum: Resources, requests: Readonly<Record<string, string>>): Resources {
  const whole = toResources(requests)
  return {
    milliCpu: requests['cpu'] === undefined ? sum.milliCpu : whole.milliCpu,
    memory: requests['memory'] === undefined ? sum.memory : whole.memory,
    ephemeralStorage: sum.ephemeralStorage,
    scalars: whole.scalars.size > 0 ? new Map([...sum.scalars, ...whole.scalars]) : sum.scalars,
  }
}
