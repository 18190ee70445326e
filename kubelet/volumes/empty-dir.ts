/** emptyDir: a folder that lives as long as the pod, on disk, in memory or in huge pages. */
import { chmod, mkdir, stat } from 'node:fs/promises'
import type { Pod } from '../../api/generated/types.ts'
import { quantityValue } from '../../api/quantity.ts'
import { computePodLimits } from '../cgroups.ts'
import { containersOf } from '../pods/pod-spec.ts'
import { type DirectoryKind, VolumeError } from './volume-kind.ts'

export const emptyDir: DirectoryKind = {
  name: 'empty-dir',
  matches: (volume) => volume.emptyDir !== undefined,
  async setUp({ name, emptyDir }, { pod, paths, mounts, allocatable }) {
    const directory = paths.volumeDirectory(pod.metadata.uid, 'empty-dir', name)
    await mkdir(directory, { recursive: true })
    const { medium = '', sizeLimit } = emptyDir!
    if (medium === 'Memory' && !(await mounts.isMountPoint(directory)))
      await mounts.mountMemory(directory, { sizeBytes: memorySize(pod, sizeLimit, allocatable.memory) })
    if (medium.startsWith('HugePages') && !(await mounts.isMountPoint(directory)))
      await mounts.mountHugePages(directory, pageSizeOf(medium, pod))
    // Only what the umask took away is given back: memory comes sticky, as /tmp, and stays so.
    if (((await stat(directory)).mode & 0o777) !== 0o777) await chmod(directory, 0o777)
    return { directory, takesGroup: true }
  },
}

/** The least of what the volume, the pod and the node may have. */
function memorySize(pod: Pod, sizeLimit: string | undefined, allocatable: string | undefined): number | undefined {
  const bounds = [quantityValue(sizeLimit ?? '0'), computePodLimits(pod).memoryLimit, quantityValue(allocatable ?? '0')]
  const least = Math.min(...bounds.filter((bound) => bound > 0))
  return least === Infinity ? undefined : least
}

/** `HugePages-2Mi` names its size; `HugePages` is of the one size that the pod asks for. */
function pageSizeOf(medium: string, pod: Pod): string {
  const named = /^HugePages-(.+)$/.exec(medium)?.[1]
  if (named) return named
  const asked = new Set(
    containersOf(pod)
      .flatMap(({ resources }) => Object.keys(resources?.requests ?? resources?.limits ?? {}))
      .flatMap((name) => /^hugepages-(.+)$/.exec(name)?.[1] ?? []),
  )
  const [size] = asked
  if (!size) throw new VolumeError('no pageSize specified')
  if (asked.size > 1) throw new VolumeError(`medium "HugePages" can only be used if container(s) use only one pagesize`)
  return size
}
