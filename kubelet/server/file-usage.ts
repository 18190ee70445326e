/** What the volumes and logs of pods take on disk: counted when someone asks, and not again for a minute. */
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import type { Pod, Volume } from '../../api/generated/types.ts'
import { diskUsage } from '../eviction/observe.ts'
import type { KubeletPaths } from '../paths.ts'
import { containersOf } from '../pods/pod-spec.ts'

export interface FileSystemStats {
  time: string
  availableBytes: number
  capacityBytes: number
  usedBytes: number
  inodesFree: number
  inodes: number
  inodesUsed: number
}

export interface VolumeStats extends FileSystemStats {
  name: string
  pvcRef?: { name: string; namespace: string }
}

export interface PodFileUsage {
  volumes: VolumeStats[]
  /** By container. */
  logs: ReadonlyMap<string, FileSystemStats>
}

const cacheMs = 60_000

/** The file system that a folder is on. */
export async function fileSystemOf(directory: string, now: Date): Promise<FileSystemStats> {
  const disk = await statfs(directory)
  return {
    time: now.toISOString(),
    availableBytes: disk.bavail * disk.bsize,
    capacityBytes: disk.blocks * disk.bsize,
    usedBytes: (disk.blocks - disk.bfree) * disk.bsize,
    inodesFree: disk.ffree,
    inodes: disk.files,
    inodesUsed: disk.files - disk.ffree,
  }
}

/** The folder alone, with the room that is left around it. */
async function folderUsage(directory: string, now: Date): Promise<FileSystemStats> {
  const [around, own] = await Promise.all([fileSystemOf(directory, now), diskUsage(directory)])
  return { ...around, usedBytes: own.bytes, inodesUsed: own.inodes }
}

export interface FileUsage {
  of(pod: Pod, places: ReadonlyMap<string, { directory: string }>): Promise<PodFileUsage>
}

export function createFileUsage(paths: KubeletPaths, now: () => Date): FileUsage {
  const known = new Map<string, { atMs: number; usage: Promise<PodFileUsage> }>()

  async function count(pod: Pod, places: ReadonlyMap<string, { directory: string }>): Promise<PodFileUsage> {
    const { uid, namespace = '', name } = pod.metadata
    const logFolder = paths.podLogDirectory({ namespace, name, uid })
    const volumes = (pod.spec.volumes ?? []).map((volume) => volumeStats(pod, volume, places.get(volume.name)?.directory, now()))
    const logs = containersOf(pod).map(async (container): Promise<[string, FileSystemStats] | undefined> => {
      const usage = await folderUsage(path.join(logFolder, container.name), now()).catch(() => undefined)
      return usage && [container.name, usage]
    })
    return {
      volumes: (await Promise.all(volumes)).flat(),
      logs: new Map((await Promise.all(logs)).filter((each) => each !== undefined)),
    }
  }

  return {
    of(pod, places) {
      const { uid } = pod.metadata
      const nowMs = now().getTime()
      for (const [key, { atMs }] of known) if (Math.abs(nowMs - atMs) > cacheMs) known.delete(key)
      const entry = known.get(uid) ?? { atMs: nowMs, usage: count(pod, places) }
      known.set(uid, entry)
      return entry.usage
    },
  }
}

/** As upstream: claims by the file system that they are, all else by what it holds; the node's own folders not at all. */
async function volumeStats(pod: Pod, volume: Volume, directory: string | undefined, now: Date): Promise<VolumeStats[]> {
  if (!directory || volume.hostPath || volume.image) return []
  const claim = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined)
  try {
    const usage = claim ? await fileSystemOf(directory, now) : await folderUsage(directory, now)
    const pvcRef = claim ? { pvcRef: { name: claim, namespace: pod.metadata.namespace ?? '' } } : {}
    return [{ ...usage, name: volume.name, ...pvcRef }]
  } catch {
    // It was taken away meanwhile, with its pod.
    return []
  }
}
