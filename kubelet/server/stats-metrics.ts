/** Pure: usage in Prometheus' text format, as metrics-server and dashboards scrape it. */
import { cpus, totalmem } from 'node:os'
import type { ContainerStats, InterfaceUsage, PodSandboxStats } from '../runtime/cri-types.ts'
import { labels } from '../runtime/labels.ts'

export interface NodeUsage {
  time: string
  usageCoreNanoSeconds: number
  usageBytes: number
  workingSetBytes: number
  rssBytes: number
}

type Row = [labels: string, value: number, ms: number]

const render = (name: string, type: string, help: string, rows: readonly Row[]): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...rows.map(([text, value, ms]) => `${name}${text && `{${text}}`} ${value} ${Math.round(ms)}`),
]

const cpuSeconds = ({ cpu }: ContainerStats): number => (cpu?.usageCoreNanoSeconds?.value ?? 0) / 1e9
const takenAtMs = ({ cpu }: ContainerStats): number => (cpu?.timestamp ?? 0) / 1e6
const workingSet = ({ memory }: ContainerStats): number => memory?.workingSetBytes?.value ?? 0
const podOf = (own: Record<string, string>): string => `namespace="${own[labels.podNamespace]}",pod="${own[labels.podName]}"`

/** `/metrics/resource` */
export function formatResourceMetrics(
  containers: readonly ContainerStats[],
  pods: readonly PodSandboxStats[],
  node: NodeUsage,
): string {
  const live = containers.filter(({ cpu }) => cpu)
  const ofContainer = ({ attributes }: ContainerStats) => `container="${attributes.metadata.name}",${podOf(attributes.labels)}`
  const each = (value: (stats: ContainerStats) => number): Row[] =>
    live.map((stats) => [ofContainer(stats), value(stats), takenAtMs(stats)])
  const eachPod = (value: (linux: NonNullable<PodSandboxStats['linux']>) => number): Row[] =>
    pods.flatMap(({ attributes, linux }) =>
      linux?.cpu ? [[podOf(attributes.labels), value(linux), linux.cpu.timestamp / 1e6] satisfies Row] : [],
    )
  const nodeMs = Date.parse(node.time)
  return `${[
    ...render(
      'container_cpu_usage_seconds_total',
      'counter',
      '[STABLE] Cumulative cpu time consumed by the container in core-seconds',
      each(cpuSeconds),
    ),
    ...render(
      'container_memory_working_set_bytes',
      'gauge',
      '[STABLE] Current working set of the container in bytes',
      each(workingSet),
    ),
    ...render('node_cpu_usage_seconds_total', 'counter', '[STABLE] Cumulative cpu time consumed by the node in core-seconds', [
      ['', node.usageCoreNanoSeconds / 1e9, nodeMs],
    ]),
    ...render('node_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the node in bytes', [
      ['', node.workingSetBytes, nodeMs],
    ]),
    ...render(
      'pod_cpu_usage_seconds_total',
      'counter',
      '[STABLE] Cumulative cpu time consumed by the pod in core-seconds',
      eachPod(({ cpu }) => (cpu?.usageCoreNanoSeconds?.value ?? 0) / 1e9),
    ),
    ...render(
      'pod_memory_working_set_bytes',
      'gauge',
      '[STABLE] Current working set of the pod in bytes',
      eachPod(({ memory }) => memory?.workingSetBytes?.value ?? 0),
    ),
    '# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
    '# TYPE resource_scrape_error gauge',
    'resource_scrape_error 0',
  ].join('\n')}\n`
}

/** `/metrics/cadvisor`, under cAdvisor's names. */
export function formatContainerMetrics(containers: readonly ContainerStats[], pods: readonly PodSandboxStats[]): string {
  const live = containers.filter(({ cpu }) => cpu)
  const each = (name: string, type: string, help: string, value: (stats: ContainerStats) => number, more = '') => {
    const rows = live.map((stats): Row => {
      const { id, metadata, labels: own } = stats.attributes
      return [`container="${metadata.name}",id="${id}",name="${id}",${podOf(own)}${more}`, value(stats), takenAtMs(stats)]
    })
    return render(name, type, help, rows)
  }
  const network = (name: string, help: string, value: (usage: InterfaceUsage) => number | undefined) => {
    const rows = pods.flatMap(({ attributes, linux }): Row[] => {
      const usage = linux?.network?.defaultInterface
      if (!usage || !linux.cpu) return []
      const text = `id="${attributes.id}",interface="${usage.name}",${podOf(attributes.labels)}`
      return [[text, value(usage) ?? 0, linux.cpu.timestamp / 1e6]]
    })
    return render(name, 'counter', help, rows)
  }
  return `${[
    '# HELP machine_cpu_cores Number of logical CPU cores.',
    '# TYPE machine_cpu_cores gauge',
    `machine_cpu_cores ${cpus().length}`,
    '# HELP machine_memory_bytes Amount of memory installed on the machine.',
    '# TYPE machine_memory_bytes gauge',
    `machine_memory_bytes ${totalmem()}`,
    ...each(
      'container_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed in seconds.',
      cpuSeconds,
      ',cpu="total"',
    ),
    ...each('container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.', workingSet),
    ...each(
      'container_memory_usage_bytes',
      'gauge',
      'Current memory usage in bytes.',
      ({ memory }) => memory?.usageBytes?.value ?? 0,
    ),
    ...each('container_memory_rss', 'gauge', 'Size of RSS in bytes.', ({ memory }) => memory?.rssBytes?.value ?? 0),
    ...each(
      'container_fs_usage_bytes',
      'gauge',
      'Number of bytes that are consumed by the container on this filesystem.',
      ({ writableLayer }) => writableLayer?.usedBytes?.value ?? 0,
    ),
    ...network('container_network_receive_bytes_total', 'Cumulative count of bytes received', ({ rxBytes }) => rxBytes?.value),
    ...network(
      'container_network_receive_errors_total',
      'Cumulative count of errors encountered while receiving',
      ({ rxErrors }) => rxErrors?.value,
    ),
    ...network(
      'container_network_transmit_bytes_total',
      'Cumulative count of bytes transmitted',
      ({ txBytes }) => txBytes?.value,
    ),
    ...network(
      'container_network_transmit_errors_total',
      'Cumulative count of errors encountered while transmitting',
      ({ txErrors }) => txErrors?.value,
    ),
  ].join('\n')}\n`
}
