/** What pods and the node use: the summary that dashboards read, and the metrics that others scrape. */
import type { Pod } from '../../api/generated/types.ts'
import type { KubeletPaths } from '../paths.ts'
import { createCpuRates } from './cpu-rates.ts'
import { createFileUsage, type VolumeStats } from './file-usage.ts'
import { briefNodeSummary, nodeResources } from './node-summary.ts'
import { briefSummary, wholeSummary } from './pod-summary.ts'
import { formatContainerMetrics, formatResourceMetrics } from './stats-metrics.ts'
import { readDiskUsage, readUsage, type Usage, type UsageOptions } from './usage.ts'

export interface Stats {
  summary(options?: { onlyCpuAndMemory?: boolean }): Promise<object>
  /** In Prometheus' text format. */
  resourceMetrics(): Promise<string>
  /** Under cAdvisor's names, as dashboards ask for them. */
  containerMetrics(): Promise<string>
  /** Of volumes that are claims. */
  claims(): Promise<VolumeStats[]>
}

export interface StatsOptions extends UsageOptions {
  nodeName: string
  paths: KubeletPaths
  startedAt: Date
}

/** The node's own, which no container has for an id. */
const OWN = ['/kubelet', '/pods', '/node']

export function createStats(options: StatsOptions): Stats {
  const { kubelet, nodeName, startedAt, now } = options
  const rates = createCpuRates()
  const files = createFileUsage(options.paths, now)
  const runtimeOf = ({ metadata }: Pod) => kubelet.worker(metadata.uid)?.runtime()
  const filesOf = (pod: Pod) =>
    files.of(pod, kubelet.worker(pod.metadata.uid)?.volumes() ?? new Map<string, { directory: string }>())

  async function usages(): Promise<Usage> {
    const usage = await readUsage(options)
    const present = [...usage.containers, ...usage.sandboxes].map(({ attributes }) => attributes.id)
    rates.forgetAllBut(new Set([...OWN, ...present]))
    return usage
  }

  return {
    async summary({ onlyCpuAndMemory = false } = {}) {
      if (onlyCpuAndMemory) {
        const usage = await usages()
        const pods = kubelet.pods().map((pod) => briefSummary(pod, usage, runtimeOf(pod), rates))
        return { node: briefNodeSummary(nodeName, startedAt, usage.node, rates), pods }
      }
      const [usage, disk] = await Promise.all([usages(), readDiskUsage(options)])
      const summaryOf = async (pod: Pod) =>
        wholeSummary(pod, { ...usage, ...disk }, runtimeOf(pod), await filesOf(pod), rates, now())
      const [resources, ...pods] = await Promise.all([nodeResources(usage.node, disk), ...kubelet.pods().map(summaryOf)])
      return { node: { ...briefNodeSummary(nodeName, startedAt, usage.node, rates), ...resources }, pods }
    },
    async resourceMetrics() {
      const { containers, sandboxes, node } = await usages()
      return formatResourceMetrics(containers, sandboxes, node)
    },
    async containerMetrics() {
      const { containers, sandboxes } = await usages()
      return formatContainerMetrics(containers, sandboxes)
    },
    async claims() {
      const all = await Promise.all(
        kubelet.pods().map(async (pod) => {
          const names = new Set((pod.spec.volumes ?? []).filter(isClaim).map(({ name }) => name))
          if (names.size === 0 || !kubelet.worker(pod.metadata.uid)) return []
          const { volumes } = await filesOf(pod)
          return volumes.filter(({ name }) => names.has(name))
        }),
      )
      return all.flat()
    },
  }
}

const isClaim = ({ persistentVolumeClaim, ephemeral }: NonNullable<Pod['spec']['volumes']>[number]): boolean =>
  persistentVolumeClaim !== undefined || ephemeral !== undefined
