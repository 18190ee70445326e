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

/** What is being asked of a runtime now: who asks meanwhile is given the same. */
const asking = new WeakMap<Cri, Promise<PodSandboxStats[]>>()

function sandboxStats(options: UsageOptions): Promise<PodSandboxStats[]> {
  const { cri } = options
  const running = asking.get(cri)
  if (running) return running
  const stats = askForSandboxStats(options).finally(() => asking.delete(cri))
  asking.set(cri, stats)
  return stats
}

/**
 * Asked for one by one: containerd fails the list of all as soon as one of them has ended. And one after the other: before
 * 1.6.22 two at once write to one map, and that ends containerd.
 */
async function askForSandboxStats({ cri, kubelet }: UsageOptions): Promise<PodSandboxStats[]> {
  const found: PodSandboxStats[] = []
  for (const { metadata } of kubelet.pods()) {
    const sandbox = kubelet.worker(metadata.uid)?.runtime().sandboxes[0]
    if (!sandbox?.ready) continue
    // Beside the containers' own statistics these are an extra: a runtime without them is no failure.
    const answer = await cri.call('PodSandboxStats', { podSandboxId: sandbox.id }).catch(() => undefined)
    if (answer?.stats) found.push(answer.stats)
  }
  return found
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
