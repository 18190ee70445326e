/** What runs here uses now, as the runtime, the cgroups and the file systems count it. */
import { cpus, freemem, totalmem } from 'node:os'
import type { Cgroups } from '../cgroups.ts'
import type { Kubelet } from '../kubelet.ts'
import type { Cri } from '../runtime/cri-client.ts'
import type { ContainerStats, PodSandboxStats } from '../runtime/cri-types.ts'
import { fileSystemOf, type FileSystemStats } from './file-usage.ts'
import type { NodeUsage } from './stats-metrics.ts'

export interface UsageOptions {
  cri: Cri
  kubelet: Kubelet
  cgroups: Cgroups
  rootDirectory: string
  now: () => Date
}

export interface Usage {
  containers: ContainerStats[]
  sandboxes: PodSandboxStats[]
  node: NodeUsage
}

export interface DiskUsage {
  nodeFs: FileSystemStats
  imageFs: FileSystemStats
}

export async function readUsage(options: UsageOptions): Promise<Usage> {
  const [{ stats: containers }, sandboxes] = await Promise.all([
    options.cri.call('ListContainerStats', {}),
    sandboxStats(options),
  ])
  return { containers, sandboxes, node: nodeUsage(options) }
}

export async function readDiskUsage({ cri, rootDirectory, now }: UsageOptions): Promise<DiskUsage> {
  const [{ imageFilesystems }, nodeFs] = await Promise.all([cri.call('ImageFsInfo', {}), fileSystemOf(rootDirectory, now())])
  const [images] = imageFilesystems
  const around = await fileSystemOf(images?.fsId?.mountpoint ?? rootDirectory, now()).catch(() => nodeFs)
  const own = { usedBytes: images?.usedBytes?.value ?? 0, inodesUsed: images?.inodesUsed?.value ?? 0 }
  return { nodeFs, imageFs: { ...around, ...own } }
}

/** Asked for one by one: containerd fails the list of all as soon as one of them has ended. */
async function sandboxStats({ cri, kubelet }: UsageOptions): Promise<PodSandboxStats[]> {
  const ids = kubelet.pods().flatMap(({ metadata }) => {
    const sandbox = kubelet.worker(metadata.uid)?.runtime().sandboxes[0]
    return sandbox?.ready ? [sandbox.id] : []
  })
  // Beside the containers' own statistics these are an extra: a runtime without them is no failure.
  const answers = ids.map((podSandboxId) => cri.call('PodSandboxStats', { podSandboxId }).catch(() => ({ stats: null })))
  return (await Promise.all(answers)).flatMap(({ stats }) => stats ?? [])
}

/** The node's pods together; a node of a lab shares its machine, whose own numbers would count every node's. */
function nodeUsage({ cgroups, now }: UsageOptions): NodeUsage {
  const time = now().toISOString()
  const counted = cgroups.usage()
  if (counted) return { time, ...counted }
  const busyMs = cpus().reduce((total, { times }) => total + times.user + times.nice + times.sys + times.irq, 0)
  const used = totalmem() - freemem()
  return { time, usageCoreNanoSeconds: busyMs * 1e6, usageBytes: used, workingSetBytes: used, rssBytes: used }
}
