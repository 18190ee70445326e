/** Looks at what the node has left, and at what each pod uses. */
import { lstat, readdir, readFile, statfs } from 'node:fs/promises'
import path from 'node:path'
import type { Pod } from '../../api/generated/types.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import type { ContainerStats } from '../runtime/cri-types.ts'
import { labels } from '../runtime/labels.ts'
import { type ContainerUsage, type PodUsage, sum } from './rank.ts'
import type { Observation, Signal } from './thresholds.ts'

export async function observeNode({ cri, paths }: KubeletContext): Promise<Map<Signal, Observation>> {
  const [memory, nodeFs, images, load, pidMax] = await Promise.all([
    readFile('/proc/meminfo', 'utf8'),
    statfs(paths.podsDirectory).catch(() => statfs(path.dirname(paths.podsDirectory))),
    cri.call('ImageFsInfo', {}),
    readFile('/proc/loadavg', 'utf8'),
    readFile('/proc/sys/kernel/pid_max', 'utf8'),
  ])
  const imageFs = await statfs(images.imageFilesystems[0]?.fsId?.mountpoint ?? '/').catch(() => nodeFs)
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(memory)?.[1] ?? 0) * 1024
  const bytes = ({ bavail, bsize, blocks }: typeof nodeFs) => ({ available: bavail * bsize, capacity: blocks * bsize })
  const inodes = ({ ffree, files }: typeof nodeFs) => ({ available: ffree, capacity: files })
  const processes = Number(/\/(\d+)/.exec(load)?.[1] ?? 0)
  const seen: [Signal, Observation][] = [
    ['memory.available', { available: kib('MemAvailable'), capacity: kib('MemTotal') }],
    ['nodefs.available', bytes(nodeFs)],
    ['nodefs.inodesFree', inodes(nodeFs)],
    ['imagefs.available', bytes(imageFs)],
    ['imagefs.inodesFree', inodes(imageFs)],
    ['pid.available', { available: Number(pidMax) - processes, capacity: Number(pidMax) }],
  ]
  // Some filesystems do not count inodes: none is left of none.
  return new Map(seen.filter(([, { capacity }]) => capacity > 0))
}

export async function observePods(pods: readonly Pod[], context: KubeletContext): Promise<Map<string, PodUsage>> {
  const { stats } = await context.cri.call('ListContainerStats', {})
  const usages = await Promise.all(
    pods.map(async (pod): Promise<[string, PodUsage]> => {
      const { uid, namespace = '', name } = pod.metadata
      const logs = context.paths.podLogDirectory({ namespace, name, uid })
      const containers = await Promise.all(
        usageByName(stats.filter(({ attributes }) => attributes.labels[labels.podUid] === uid)).map(async (usage) => ({
          ...usage,
          diskBytes: usage.diskBytes + (await diskUsage(path.join(logs, usage.name))).bytes,
        })),
      )
      const disks = (pod.spec.volumes ?? []).filter(({ emptyDir }) => emptyDir && emptyDir.medium !== 'Memory')
      const volumes = await Promise.all(
        disks.map(async ({ name }): Promise<[string, { bytes: number; inodes: number }]> => [
          name,
          await diskUsage(context.paths.volumeDirectory(uid, 'empty-dir', name)),
        ]),
      )
      return [uid, { containers, volumes: new Map(volumes), processes: context.cgroups.processes(pod) }]
    }),
  )
  return new Map(usages)
}

/** The runtime still counts for a container what it was before its restarts: to a pod's user it is one. */
export function usageByName(stats: readonly ContainerStats[]): ContainerUsage[] {
  const byName = Map.groupBy(stats, ({ attributes }) => attributes.metadata.name)
  return [...byName].map(([name, runs]) => ({
    name,
    memoryBytes: sum(runs.map(({ memory }) => memory?.workingSetBytes?.value ?? 0)),
    diskBytes: sum(runs.map(({ writableLayer }) => writableLayer?.usedBytes?.value ?? 0)),
    inodes: sum(runs.map(({ writableLayer }) => writableLayer?.inodesUsed?.value ?? 0)),
  }))
}

/** As `du`: blocks, not lengths; what goes away meanwhile is not counted. */
export async function diskUsage(directory: string): Promise<{ bytes: number; inodes: number }> {
  let [bytes, inodes] = [0, 0]
  const pending = [directory]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) pending.push(file)
      const stats = await lstat(file).catch(() => undefined)
      bytes += (stats?.blocks ?? 0) * 512
      inodes++
    }
  }
  return { bytes, inodes }
}
