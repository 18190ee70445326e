/** What pods and nodes use, as `kubectl top` shows it. Pure. */
import { addResourceLists, quantityMilliValue, quantityValue } from '../../api/quantity.ts'
import { alignTabs } from '../printers/tabwriter.ts'

export type Usage = Record<string, string>

export interface PodMetrics {
  metadata: { name: string; namespace: string }
  containers: { name: string; usage: Usage }[]
}

export interface NodeMetrics {
  metadata: { name: string }
  usage: Usage
}

export interface TableOptions {
  headers: boolean
  sortBy?: string | undefined
}

const cpu = (usage: Usage) => Number(quantityMilliValue(usage['cpu'] ?? '0'))
const memory = (usage: Usage) => Number(quantityValue(usage['memory'] ?? '0'))
const cores = (usage: Usage) => `${cpu(usage)}m`
const mebibytes = (usage: Usage) => `${Math.floor(memory(usage) / 2 ** 20)}Mi`

/** Every cell ends in a tab, the last of a line too. */
function table(header: string[], rows: string[][], headers: boolean): string {
  const lines = headers ? [header, ...rows] : rows
  return alignTabs(lines.map((cells) => cells.map((cell) => `${cell}\t`).join('')).join('\n'), { minimumWidth: 6, padding: 3 })
}

/** The largest first when ordered by use, else by name. */
function ordered<T>(items: T[], usageOf: (item: T) => Usage, nameOf: (item: T) => string, sortBy: string | undefined): T[] {
  const amount = sortBy === 'cpu' ? cpu : memory
  if (sortBy) return items.toSorted((a, b) => amount(usageOf(b)) - amount(usageOf(a)))
  return items.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}

export const podUsage = ({ containers }: PodMetrics): Usage => addResourceLists(...containers.map(({ usage }) => usage))

export function podTable(
  pods: PodMetrics[],
  {
    withNamespace,
    byContainer,
    sum,
    headers,
    sortBy,
  }: TableOptions & { withNamespace: boolean; byContainer: boolean; sum: boolean },
): string {
  const sorted = ordered(pods, podUsage, ({ metadata }) => `${metadata.namespace}/${metadata.name}`, sortBy)
  const place = ({ metadata }: PodMetrics) => (withNamespace ? [metadata.namespace, metadata.name] : [metadata.name])
  const rows = byContainer
    ? sorted.flatMap((pod) => pod.containers.map(({ name, usage }) => [...place(pod), name, cores(usage), mebibytes(usage)]))
    : sorted.map((pod) => [...place(pod), cores(podUsage(pod)), mebibytes(podUsage(pod))])
  const total = addResourceLists(...pods.map(podUsage))
  const blanks = Array.from({ length: (withNamespace ? 1 : 0) + (byContainer ? 1 : 0) }, () => '')
  const sums = sum
    ? [
        [...blanks, '', '________', '________'],
        [...blanks, '', cores(total), mebibytes(total)],
      ]
    : []
  const header = [
    ...(withNamespace ? ['NAMESPACE'] : []),
    ...(byContainer ? ['POD', 'NAME'] : ['NAME']),
    'CPU(cores)',
    'MEMORY(bytes)',
  ]
  return table(header, [...rows, ...sums], headers)
}

/** Percentages of what each node can give to pods. */
export function nodeTable(
  nodes: NodeMetrics[],
  available: ReadonlyMap<string, Usage>,
  { headers, sortBy }: TableOptions,
): string {
  const percent = (used: number, all: number) => (all > 0 ? `${Math.floor((used * 100) / all)}%` : '<unknown>')
  const rows = ordered(
    nodes,
    ({ usage }) => usage,
    ({ metadata }) => metadata.name,
    sortBy,
  ).map(({ metadata: { name }, usage }) => {
    const all = available.get(name) ?? {}
    return [name, cores(usage), percent(cpu(usage), cpu(all)), mebibytes(usage), percent(memory(usage), memory(all))]
  })
  return table(['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'], rows, headers)
}
