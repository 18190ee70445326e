/** The node of the summary: all pods together, the kubelet itself, network and file systems. */
import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import type { CpuRates } from './cpu-rates.ts'
import { readNodeNetwork } from './node-network.ts'
import type { NodeUsage } from './stats-metrics.ts'
import type { DiskUsage } from './usage.ts'

/** Processor and memory alone. */
export function briefNodeSummary(nodeName: string, startedAt: Date, node: NodeUsage, rates: CpuRates) {
  const timestamp = Date.parse(node.time) * 1e6
  const startTime = startedAt.toISOString()
  const own = process.cpuUsage()
  const { rss } = process.memoryUsage()
  const memory = {
    time: node.time,
    availableBytes: totalmem() - node.workingSetBytes,
    usageBytes: node.usageBytes,
    workingSetBytes: node.workingSetBytes,
    rssBytes: node.rssBytes,
  }
  return {
    nodeName,
    systemContainers: [
      {
        name: 'kubelet',
        startTime,
        cpu: rates.of('/kubelet', (own.user + own.system) * 1000, timestamp),
        memory: { time: node.time, usageBytes: rss, workingSetBytes: rss, rssBytes: rss },
      },
      { name: 'pods', startTime, cpu: rates.of('/pods', node.usageCoreNanoSeconds, timestamp), memory },
    ],
    startTime,
    cpu: rates.of('/node', node.usageCoreNanoSeconds, timestamp),
    memory,
  }
}

/** What the whole summary tells beside it. */
export async function nodeResources({ time }: NodeUsage, { nodeFs, imageFs }: DiskUsage): Promise<object> {
  return {
    network: await readNodeNetwork(time),
    fs: nodeFs,
    runtime: { imageFs, containerFs: imageFs },
    rlimit: await readProcessLimit(time),
  }
}

async function readProcessLimit(time: string): Promise<object> {
  const [load, pidMax] = await Promise.all([readFile('/proc/loadavg', 'utf8'), readFile('/proc/sys/kernel/pid_max', 'utf8')])
  return { time, maxpid: Number(pidMax), curproc: Number(/\/(\d+)/.exec(load)?.[1] ?? 0) }
}
