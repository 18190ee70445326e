/** One pod of the summary: what it and its containers use, and how much of it is on disk. Pure but for the rates it keeps. */
import type { Pod } from '../../api/generated/types.ts'
import type { ContainerStats, InterfaceUsage, MemoryUsage, PodSandboxStats } from '../runtime/cri-types.ts'
import { labels } from '../runtime/labels.ts'
import type { PodRuntime } from '../runtime/pod-runtime.ts'
import type { CpuRates } from './cpu-rates.ts'
import type { FileSystemStats, PodFileUsage } from './file-usage.ts'
import type { DiskUsage, Usage } from './usage.ts'

/** Processor and memory alone: what autoscalers and `top` ask for. */
export function briefSummary(pod: Pod, usage: Usage, runtime: PodRuntime | undefined, rates: CpuRates) {
  const { name, namespace, uid } = pod.metadata
  const sandbox = sandboxOf(pod, usage)
  const cpu = sandbox?.linux?.cpu
  return {
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime,
    ...(cpu && {
      cpu: rates.of(sandbox!.attributes.id, cpu.usageCoreNanoSeconds?.value ?? 0, cpu.timestamp),
      memory: toMemory(sandbox!.linux!.memory),
    }),
    containers: containersOf(pod, usage).map((stats) => ({
      name: stats.attributes.metadata.name,
      cpu: rates.of(stats.attributes.id, stats.cpu?.usageCoreNanoSeconds?.value ?? 0, stats.cpu?.timestamp ?? 0),
      memory: toMemory(stats.memory),
      ...startOf(stats, runtime),
    })),
  }
}

export function wholeSummary(
  pod: Pod,
  usage: Usage & DiskUsage,
  runtime: PodRuntime | undefined,
  files: PodFileUsage,
  rates: CpuRates,
  now: Date,
) {
  const { imageFs } = usage
  const linux = sandboxOf(pod, usage)?.linux
  const { containers, ...head } = briefSummary(pod, usage, runtime, rates)
  const layers = containersOf(pod, usage)
  const withFiles = containers.map((container, index) => ({
    ...container,
    rootfs: {
      ...imageFs,
      usedBytes: layers[index]?.writableLayer?.usedBytes?.value ?? 0,
      inodesUsed: layers[index]?.writableLayer?.inodesUsed?.value ?? 0,
    },
    logs: files.logs.get(container.name),
  }))
  const onDisk = files.volumes.filter((volume) => isEphemeral(pod, volume.name))
  const parts = [...withFiles.flatMap(({ rootfs, logs }) => [rootfs, ...(logs ? [logs] : [])]), ...onDisk]
  const total = (pick: (part: FileSystemStats) => number) => parts.reduce((sum, part) => sum + pick(part), 0)
  return {
    ...head,
    containers: withFiles,
    ...(linux?.network?.defaultInterface ? { network: toNetwork(linux.network.defaultInterface, now) } : {}),
    volume: files.volumes,
    'ephemeral-storage': {
      ...imageFs,
      usedBytes: total(({ usedBytes }) => usedBytes),
      inodesUsed: total(({ inodesUsed }) => inodesUsed),
    },
    process_stats: { process_count: linux?.process?.processCount?.value ?? 0 },
  }
}

const isOf =
  ({ metadata }: Pod) =>
  ({ attributes }: ContainerStats | PodSandboxStats): boolean =>
    attributes.labels[labels.podUid] === metadata.uid

const sandboxOf = (pod: Pod, { sandboxes }: Usage) => sandboxes.find(isOf(pod))

const containersOf = (pod: Pod, { containers }: Usage) => containers.filter((stats) => isOf(pod)(stats) && stats.cpu)

function startOf({ attributes }: ContainerStats, runtime: PodRuntime | undefined): { startTime?: string } {
  const started = runtime?.containers.find(({ id }) => id === attributes.id)?.startedAtMs
  return started ? { startTime: new Date(started).toISOString() } : {}
}

const isEphemeral = ({ spec }: Pod, name: string): boolean =>
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
