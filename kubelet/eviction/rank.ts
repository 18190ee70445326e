/** Pure: in which order pods leave a node that runs out of something; the first goes first. */
import type { Pod } from '../../api/generated/types.ts'
import { quantityValue } from '../../api/quantity.ts'
import { computeRequests } from '../admission.ts'
import type { Signal } from './thresholds.ts'

export interface ContainerUsage {
  name: string
  memoryBytes: number
  /** Writable layer and logs. */
  diskBytes: number
  inodes: number
}

export interface PodUsage {
  containers: readonly ContainerUsage[]
  /** Of emptyDir volumes on disk, by name. */
  volumes: ReadonlyMap<string, { bytes: number; inodes: number }>
  processes: number
}

export type UsageOf = (pod: Pod) => PodUsage | undefined

type Compare = (a: Pod, b: Pod) => number

export const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)
export const memoryOf = ({ containers }: PodUsage): number => sum(containers.map(({ memoryBytes }) => memoryBytes))
export const diskOf = ({ containers, volumes }: PodUsage): number =>
  sum(containers.map(({ diskBytes }) => diskBytes)) + sum([...volumes.values()].map(({ bytes }) => bytes))
const inodesOf = ({ containers, volumes }: PodUsage): number =>
  sum(containers.map(({ inodes }) => inodes)) + sum([...volumes.values()].map(({ inodes }) => inodes))

const priorityOf = ({ spec }: Pod): number => spec.priority ?? 0
const byPriority: Compare = (a, b) => priorityOf(a) - priorityOf(b)
const requestOf = (pod: Pod, resource: string): number => computeRequests(pod).get(resource) ?? 0

/** `true` first; a pod of which nothing is known before all others. */
const first = (usage: UsageOf, is: (pod: Pod, used: PodUsage) => boolean): Compare => {
  const rank = (pod: Pod) => {
    const used = usage(pod)
    return used ? (is(pod, used) ? 1 : 2) : 0
  }
  return (a, b) => rank(a) - rank(b)
}

/** The largest first. */
const most = (usage: UsageOf, amount: (pod: Pod, used: PodUsage) => number): Compare => {
  const of = (pod: Pod) => {
    const used = usage(pod)
    return used ? amount(pod, used) : Infinity
  }
  return (a, b) => (of(a) === of(b) ? 0 : of(b) > of(a) ? 1 : -1)
}

const orderedBy =
  (...compares: Compare[]): Compare =>
  (a, b) => {
    for (const compare of compares) {
      const result = compare(a, b)
      if (result !== 0) return result
    }
    return 0
  }

export function rankForEviction(pods: readonly Pod[], signal: Signal, usage: UsageOf): Pod[] {
  return pods.toSorted(orderFor(signal, usage))
}

function orderFor(signal: Signal, usage: UsageOf): Compare {
  if (signal === 'pid.available')
    return orderedBy(
      byPriority,
      most(usage, (_, { processes }) => processes),
    )
  const [used, resource]: [(usage: PodUsage) => number, string] =
    signal === 'memory.available'
      ? [memoryOf, 'memory']
      : signal.endsWith('inodesFree')
        ? [inodesOf, 'inodes']
        : [diskOf, 'ephemeral-storage']
  return orderedBy(
    first(usage, (pod, own) => used(own) > requestOf(pod, resource)),
    byPriority,
    most(usage, (pod, own) => used(own) - requestOf(pod, resource)),
  )
}

const systemCritical = 2_000_000_000

/** What keeps the node itself alive stays. */
export const isCritical = ({ metadata, spec }: Pod): boolean =>
  metadata.annotations?.['kubernetes.io/config.source'] === 'file' || (spec.priority ?? 0) >= systemCritical

/** Why a pod has to go for what it alone uses, however much the node has left. */
export function exceededLimit(pod: Pod, usage: PodUsage): string | undefined {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir && emptyDir.medium !== 'Memory' ? emptyDir.sizeLimit : undefined
    if (limit && quantityValue(limit) > 0 && (usage.volumes.get(name)?.bytes ?? 0) > quantityValue(limit))
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit)}. `
  }
  const limits = pod.spec.containers.map(({ resources }) => resources?.limits?.['ephemeral-storage'])
  const total = sum(limits.map((limit) => quantityValue(limit ?? '0')))
  if (limits.every(Boolean) && diskOf(usage) > total)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${limits.length === 1 ? limits[0] : total}. `
  for (const { name, resources } of pod.spec.containers) {
    const limit = resources?.limits?.['ephemeral-storage']
    const used = usage.containers.find((container) => container.name === name)?.diskBytes ?? 0
    if (limit && used > quantityValue(limit))
      return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `
  }
  return undefined
}
