/** What pods and the node use: the summary that dashboards read, and the resource metrics that metrics-server scrapes. */
import { readFile, statfs } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'
import type { Kubelet } from '../kubelet.ts'
import type { Cri } from '../runtime/cri-client.ts'
import type { ContainerStats } from '../runtime/cri-types.ts'
import { labels } from '../runtime/labels.ts'

export interface Stats {
  summary(): Promise<object>
  /** In Prometheus' text format. */
  resourceMetrics(): Promise<string>
  /** Under cAdvisor's names, as dashboards ask for them. */
  containerMetrics(): Promise<string>
}

interface Usage {
  time: string
  usageCoreNanoSeconds: number
  workingSetBytes: number
}

interface Sample {
  timestamp: number
  usage: number
}

export interface StatsOptions {
  cri: Cri
  kubelet: Kubelet
  nodeName: string
  cgroupRoot: string
  rootDirectory: string
  startedAt: Date
  now: () => Date
}

export function createStats(options: StatsOptions): Stats {
  const { cri, kubelet, nodeName, now } = options
  const last = new Map<string, Sample>()

  /** Processor time a second, between this look and the one before it. */
  function rate(id: string, timestamp: number, usage: number): number | undefined {
    const before = last.get(id)
    last.set(id, { timestamp, usage })
    if (!before || timestamp <= before.timestamp) return undefined
    return Math.round(((usage - before.usage) * 1e9) / (timestamp - before.timestamp))
  }

  const list = async (): Promise<ContainerStats[]> => {
    const { stats } = await cri.call('ListContainerStats', {})
    const present = new Set(stats.map(({ attributes }) => attributes.id))
    for (const id of last.keys()) if (id !== 'node' && !present.has(id)) last.delete(id)
    return stats
  }

  const containerSummary = ({ attributes, cpu, memory, writableLayer }: ContainerStats) => {
    const usage = cpu?.usageCoreNanoSeconds?.value ?? 0
    const timestamp = cpu?.timestamp ?? 0
    const time = new Date(timestamp / 1e6).toISOString()
    return {
      name: attributes.metadata.name,
      startTime: time,
      cpu: { time, usageNanoCores: rate(attributes.id, timestamp, usage) ?? 0, usageCoreNanoSeconds: usage },
      memory: { time, workingSetBytes: memory?.workingSetBytes?.value ?? 0 },
      rootfs: { time, usedBytes: writableLayer?.usedBytes?.value ?? 0, inodesUsed: writableLayer?.inodesUsed?.value ?? 0 },
    }
  }

  return {
    async summary() {
      const [stats, node, disk] = await Promise.all([list(), nodeUsage(options), statfs(options.rootDirectory)])
      const timestamp = Date.parse(node.time) * 1e6
      const fs = {
        time: node.time,
        availableBytes: disk.bavail * disk.bsize,
        capacityBytes: disk.blocks * disk.bsize,
        usedBytes: (disk.blocks - disk.bfree) * disk.bsize,
        inodesFree: disk.ffree,
        inodes: disk.files,
        inodesUsed: disk.files - disk.ffree,
      }
      const pods = kubelet.pods().map((pod) => {
        const containers = stats
          .filter(({ attributes }) => attributes.labels[labels.podUid] === pod.metadata.uid)
          .map(containerSummary)
        const sum = (pick: (container: (typeof containers)[number]) => number) =>
          containers.reduce((total, each) => total + pick(each), 0)
        return {
          podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
          startTime: pod.status?.startTime,
          containers,
          cpu: {
            time: node.time,
            usageNanoCores: sum(({ cpu }) => cpu.usageNanoCores),
            usageCoreNanoSeconds: sum(({ cpu }) => cpu.usageCoreNanoSeconds),
          },
          memory: { time: node.time, workingSetBytes: sum(({ memory }) => memory.workingSetBytes) },
        }
      })
      return {
        node: {
          nodeName,
          startTime: options.startedAt.toISOString(),
          cpu: {
            time: node.time,
            usageNanoCores: rate('node', timestamp, node.usageCoreNanoSeconds) ?? 0,
            usageCoreNanoSeconds: node.usageCoreNanoSeconds,
          },
          memory: { time: node.time, availableBytes: totalmem() - node.workingSetBytes, workingSetBytes: node.workingSetBytes },
          fs,
          runtime: { imageFs: fs },
        },
        pods,
      }
    },
    async resourceMetrics() {
      const [stats, node] = await Promise.all([list(), nodeUsage(options)])
      return formatMetrics(stats, node, now().getTime())
    },
    containerMetrics: async () => formatContainerMetrics(await list()),
  }
}

function formatMetrics(stats: readonly ContainerStats[], node: Usage, nowMs: number): string {
  const lines: string[] = []
  const metric = (name: string, type: string, help: string, rows: [string, number, number][]) => {
    lines.push(`# HELP ${name} [STABLE] ${help}`, `# TYPE ${name} ${type}`)
    for (const [labelText, value, ms] of rows) lines.push(`${name}${labelText && `{${labelText}}`} ${value} ${Math.round(ms)}`)
  }
  const of = ({ attributes }: ContainerStats) =>
    `container="${attributes.metadata.name}",namespace="${attributes.labels[labels.podNamespace]}",pod="${attributes.labels[labels.podName]}"`
  const cpu = (each: ContainerStats) => (each.cpu?.usageCoreNanoSeconds?.value ?? 0) / 1e9
  const memory = (each: ContainerStats) => each.memory?.workingSetBytes?.value ?? 0
  const at = (each: ContainerStats) => (each.cpu?.timestamp ?? 0) / 1e6
  const live = stats.filter(({ cpu: used }) => used)
  metric(
    'container_cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed by the container in core-seconds',
    live.map((each) => [of(each), cpu(each), at(each)]),
  )
  metric(
    'container_memory_working_set_bytes',
    'gauge',
    'Current working set of the container in bytes',
    live.map((each) => [of(each), memory(each), at(each)]),
  )
  metric('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [
    ['', node.usageCoreNanoSeconds / 1e9, nowMs],
  ])
  metric('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [
    ['', node.workingSetBytes, nowMs],
  ])
  lines.push('# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise')
  lines.push('# TYPE resource_scrape_error gauge', 'resource_scrape_error 0')
  return `${lines.join('\n')}\n`
}

function formatContainerMetrics(stats: readonly ContainerStats[]): string {
  const lines = [
    '# HELP machine_cpu_cores Number of logical CPU cores.',
    '# TYPE machine_cpu_cores gauge',
    `machine_cpu_cores ${cpus().length}`,
    '# HELP machine_memory_bytes Amount of memory installed on the machine.',
    '# TYPE machine_memory_bytes gauge',
    `machine_memory_bytes ${totalmem()}`,
  ]
  const live = stats.filter(({ cpu }) => cpu)
  const metric = (name: string, type: string, help: string, more: string, value: (each: ContainerStats) => number) => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const each of live) {
      const { id, metadata, labels: own } = each.attributes
      const text = `container="${metadata.name}",id="${id}",name="${id}",namespace="${own[labels.podNamespace]}",pod="${own[labels.podName]}"`
      lines.push(`${name}{${text}${more}} ${value(each)} ${Math.round((each.cpu?.timestamp ?? 0) / 1e6)}`)
    }
  }
  metric(
    'container_cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed in seconds.',
    ',cpu="total"',
    (each) => (each.cpu?.usageCoreNanoSeconds?.value ?? 0) / 1e9,
  )
  metric(
    'container_memory_working_set_bytes',
    'gauge',
    'Current working set in bytes.',
    '',
    (each) => each.memory?.workingSetBytes?.value ?? 0,
  )
  metric(
    'container_fs_usage_bytes',
    'gauge',
    'Number of bytes that are consumed by the container on this filesystem.',
    '',
    (each) => each.writableLayer?.usedBytes?.value ?? 0,
  )
  return `${lines.join('\n')}\n`
}

/** The node's pods together; a node of a lab shares its machine, whose own numbers would count every node's. */
async function nodeUsage({ cgroupRoot, now }: StatsOptions): Promise<Usage> {
  const time = now().toISOString()
  const read = async (file: string) => Number(await readFile(file, 'utf8').catch(() => Number.NaN))
  const [usage, memory] = await Promise.all([
    read(`/sys/fs/cgroup/cpuacct${cgroupRoot}/kubepods/cpuacct.usage`),
    read(`/sys/fs/cgroup/memory${cgroupRoot}/kubepods/memory.usage_in_bytes`),
  ])
  if (!Number.isNaN(usage) && !Number.isNaN(memory)) return { time, usageCoreNanoSeconds: usage, workingSetBytes: memory }
  const busyMs = cpus().reduce((total, { times }) => total + times.user + times.nice + times.sys + times.irq, 0)
  return { time, usageCoreNanoSeconds: busyMs * 1e6, workingSetBytes: totalmem() - freemem() }
}
