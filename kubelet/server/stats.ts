/** What pods and the node use: the summary that dashboards read, and the metrics that others scrape. */
import { readFile } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'
import type { Cgroups } from '../cgroups.ts'
import type { Kubelet } from '../kubelet.ts'
import type { KubeletPaths } from '../paths.ts'
import type { Cri } from '../runtime/cri-client.ts'
import type { ContainerStats, InterfaceUsage, MemoryUsage, PodSandboxStats } from '../runtime/cri-types.ts'
import { labels } from '../runtime/labels.ts'
import { createFileUsage, fileSystemOf, type FileSystemStats, type VolumeStats } from './file-usage.ts'
import { readNodeNetwork } from './node-network.ts'
import { formatContainerMetrics, formatResourceMetrics, type NodeUsage } from './stats-metrics.ts'

export interface Stats {
  summary(options?: { onlyCpuAndMemory?: boolean }): Promise<object>
  /** In Prometheus' text format. */
  resourceMetrics(): Promise<string>
  /** Under cAdvisor's names, as dashboards ask for them. */
  containerMetrics(): Promise<string>
  /** Of volumes that are claims. */
  claims(): Promise<VolumeStats[]>
}

interface Sample {
  timestamp: number
  usage: number
}

export interface StatsOptions {
  cri: Cri
  kubelet: Kubelet
  nodeName: string
  cgroups: Cgroups
  paths: KubeletPaths
  rootDirectory: string
  startedAt: Date
  now: () => Date
}

interface Gathered {
  containers: ContainerStats[]
  sandboxes: PodSandboxStats[]
  node: NodeUsage
  nodeFs: FileSystemStats
  imageFs: FileSystemStats
}

export function createStats(options: StatsOptions): Stats {
  const { cri, kubelet, nodeName, now } = options
  const last = new Map<string, Sample>()
  const files = createFileUsage(options.paths, now)

  /** Processor time a second, between this look and the one before it. */
  function rate(id: string, timestamp: number, usage: number): number {
    const before = last.get(id)
    last.set(id, { timestamp, usage })
    if (!before || timestamp <= before.timestamp) return 0
    return Math.round(((usage - before.usage) * 1e9) / (timestamp - before.timestamp))
  }

  const cpuOf = (id: string, usageCoreNanoSeconds: number, timestamp: number) => ({
    time: new Date(timestamp / 1e6).toISOString(),
    usageNanoCores: rate(id, timestamp, usageCoreNanoSeconds),
    usageCoreNanoSeconds,
  })

  async function usages(): Promise<Pick<Gathered, 'containers' | 'sandboxes' | 'node'>> {
    const [{ stats: containers }, sandboxes] = await Promise.all([cri.call('ListContainerStats', {}), sandboxStats()])
    const present = new Set([...containers, ...sandboxes].map(({ attributes }) => attributes.id))
    for (const id of last.keys()) if (!id.startsWith('/') && !present.has(id)) last.delete(id)
    return { containers, sandboxes, node: nodeUsage(options) }
  }

  /** Asked for one by one: containerd fails the list of all as soon as one of them has ended. */
  async function sandboxStats(): Promise<PodSandboxStats[]> {
    const ids = kubelet.pods().flatMap(({ metadata }) => {
      const sandbox = kubelet.worker(metadata.uid)?.runtime().sandboxes[0]
      return sandbox?.ready ? [sandbox.id] : []
    })
    // Beside the containers' own statistics these are an extra: a runtime without them is no failure.
    const answers = ids.map((podSandboxId) => cri.call('PodSandboxStats', { podSandboxId }).catch(() => ({ stats: null })))
    return (await Promise.all(answers)).flatMap(({ stats }) => stats ?? [])
  }

  async function gather(): Promise<Gathered> {
    const [usage, { imageFilesystems }, nodeFs] = await Promise.all([
      usages(),
      cri.call('ImageFsInfo', {}),
      fileSystemOf(options.rootDirectory, now()),
    ])
    const [images] = imageFilesystems
    const around = await fileSystemOf(images?.fsId?.mountpoint ?? options.rootDirectory, now()).catch(() => nodeFs)
    const own = { usedBytes: images?.usedBytes?.value ?? 0, inodesUsed: images?.inodesUsed?.value ?? 0 }
    return { ...usage, nodeFs, imageFs: { ...around, ...own } }
  }

  const usageOf = (stats: ContainerStats) => ({
    name: stats.attributes.metadata.name,
    cpu: cpuOf(stats.attributes.id, stats.cpu?.usageCoreNanoSeconds?.value ?? 0, stats.cpu?.timestamp ?? 0),
    memory: toMemory(stats.memory),
  })

  async function podSummaries({ containers, sandboxes, imageFs }: Gathered, brief: boolean): Promise<object[]> {
    return Promise.all(
      kubelet.pods().map(async (pod) => {
        const { name, namespace, uid } = pod.metadata
        const worker = kubelet.worker(uid)
        const isOwn = ({ attributes }: { attributes: { labels: Record<string, string> } }) =>
          attributes.labels[labels.podUid] === uid
        const own = containers.filter((each) => isOwn(each) && each.cpu)
        const sandbox = sandboxes.find(isOwn)
        const linux = sandbox?.linux
        const head = {
          podRef: { name, namespace, uid },
          startTime: pod.status?.startTime,
          ...(linux?.cpu
            ? {
                cpu: cpuOf(sandbox!.attributes.id, linux.cpu.usageCoreNanoSeconds?.value ?? 0, linux.cpu.timestamp),
                memory: toMemory(linux.memory),
              }
            : {}),
        }
        const startOf = (stats: ContainerStats) => {
          const started = worker?.runtime().containers.find(({ id }) => id === stats.attributes.id)?.startedAtMs
          return started ? { startTime: new Date(started).toISOString() } : {}
        }
        if (brief) return { ...head, containers: own.map((each) => ({ ...usageOf(each), ...startOf(each) })) }
        const usage = await files.of(pod, worker?.volumes() ?? new Map<string, { directory: string }>())
        const withFiles = own.map((each) => ({
          ...usageOf(each),
          ...startOf(each),
          rootfs: {
            ...imageFs,
            usedBytes: each.writableLayer?.usedBytes?.value ?? 0,
            inodesUsed: each.writableLayer?.inodesUsed?.value ?? 0,
          },
          logs: usage.logs.get(each.attributes.metadata.name),
        }))
        const onDisk = usage.volumes.filter((volume) => isEphemeral(pod, volume.name))
        const parts = [...withFiles.flatMap(({ rootfs, logs }) => [rootfs, ...(logs ? [logs] : [])]), ...onDisk]
        const total = (pick: (part: FileSystemStats) => number) => parts.reduce((sum, part) => sum + pick(part), 0)
        return {
          ...head,
          containers: withFiles,
          ...(linux?.network?.defaultInterface ? { network: toNetwork(linux.network.defaultInterface, now()) } : {}),
          volume: usage.volumes,
          'ephemeral-storage': {
            ...imageFs,
            usedBytes: total(({ usedBytes }) => usedBytes),
            inodesUsed: total(({ inodesUsed }) => inodesUsed),
          },
          process_stats: { process_count: linux?.process?.processCount?.value ?? 0 },
        }
      }),
    )
  }

  async function nodeSummary({ node, nodeFs, imageFs }: Gathered, brief: boolean): Promise<object> {
    const timestamp = Date.parse(node.time) * 1e6
    const own = process.cpuUsage()
    const { rss } = process.memoryUsage()
    const memory = {
      time: node.time,
      availableBytes: totalmem() - node.workingSetBytes,
      usageBytes: node.usageBytes,
      workingSetBytes: node.workingSetBytes,
      rssBytes: node.rssBytes,
    }
    const head = {
      nodeName,
      systemContainers: [
        {
          name: 'kubelet',
          startTime: options.startedAt.toISOString(),
          cpu: cpuOf('/kubelet', (own.user + own.system) * 1000, timestamp),
          memory: { time: node.time, usageBytes: rss, workingSetBytes: rss, rssBytes: rss },
        },
        {
          name: 'pods',
          startTime: options.startedAt.toISOString(),
          cpu: cpuOf('/pods', node.usageCoreNanoSeconds, timestamp),
          memory,
        },
      ],
      startTime: options.startedAt.toISOString(),
      cpu: cpuOf('/node', node.usageCoreNanoSeconds, timestamp),
      memory,
    }
    if (brief) return head
    return {
      ...head,
      network: await readNodeNetwork(node.time),
      fs: nodeFs,
      runtime: { imageFs, containerFs: imageFs },
      rlimit: await readProcessLimit(node.time),
    }
  }

  return {
    async summary({ onlyCpuAndMemory = false } = {}) {
      const gathered = await gather()
      const [node, pods] = await Promise.all([nodeSummary(gathered, onlyCpuAndMemory), podSummaries(gathered, onlyCpuAndMemory)])
      return { node, pods }
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
          const worker = kubelet.worker(pod.metadata.uid)
          const names = new Set((pod.spec.volumes ?? []).filter(isClaim).map(({ name }) => name))
          if (names.size === 0 || !worker) return []
          const { volumes } = await files.of(pod, worker.volumes())
          return volumes.filter(({ name }) => names.has(name))
        }),
      )
      return all.flat()
    },
  }
}

type Volumes = NonNullable<ReturnType<Kubelet['pods']>[number]['spec']['volumes']>

const isClaim = ({ persistentVolumeClaim, ephemeral }: Volumes[number]): boolean =>
  persistentVolumeClaim !== undefined || ephemeral !== undefined

const isEphemeral = ({ spec }: ReturnType<Kubelet['pods']>[number], name: string): boolean =>
  (spec.volumes ?? []).some((volume) => volume.name === name && volume.emptyDir && volume.emptyDir.medium !== 'Memory')

function toMemory(memory: MemoryUsage | null) {
  const { timestamp = 0, workingSetBytes, availableBytes, usageBytes, rssBytes, pageFaults, majorPageFaults } = memory ?? {}
  return {
    time: new Date(timestamp / 1e6).toISOString(),
    // Nothing is available where there is no limit to measure it against.
    ...(availableBytes?.value ? { availableBytes: availableBytes.value } : {}),
    usageBytes: usageBytes?.value ?? 0,
    workingSetBytes: workingSetBytes?.value ?? 0,
    rssBytes: rssBytes?.value ?? 0,
    pageFaults: pageFaults?.value ?? 0,
    majorPageFaults: majorPageFaults?.value ?? 0,
  }
}

function toNetwork({ name, rxBytes, rxErrors, txBytes, txErrors }: InterfaceUsage, now: Date) {
  const counted = {
    name,
    rxBytes: rxBytes?.value ?? 0,
    rxErrors: rxErrors?.value ?? 0,
    txBytes: txBytes?.value ?? 0,
    txErrors: txErrors?.value ?? 0,
  }
  return { time: now.toISOString(), ...counted, interfaces: [counted] }
}

async function readProcessLimit(time: string): Promise<object> {
  const [load, pidMax] = await Promise.all([readFile('/proc/loadavg', 'utf8'), readFile('/proc/sys/kernel/pid_max', 'utf8')])
  return { time, maxpid: Number(pidMax), curproc: Number(/\/(\d+)/.exec(load)?.[1] ?? 0) }
}

/** The node's pods together; a node of a lab shares its machine, whose own numbers would count every node's. */
function nodeUsage({ cgroups, now }: StatsOptions): NodeUsage {
  const time = now().toISOString()
  const counted = cgroups.usage()
  if (counted) return { time, ...counted }
  const busyMs = cpus().reduce((total, { times }) => total + times.user + times.nice + times.sys + times.irq, 0)
  const used = totalmem() - freemem()
  return { time, usageCoreNanoSeconds: busyMs * 1e6, usageBytes: used, workingSetBytes: used, rssBytes: used }
}
