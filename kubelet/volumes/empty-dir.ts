/** emptyDir: a folder that lives as long as the pod, on disk or in memory. */
import { chmod, mkdir } from 'node:fs/promises'
import { quantityValue } from '../../api/quantity.ts'
import type { DirectoryKind } from './volume-kind.ts'

export const emptyDir: DirectoryKind = {
  name: 'empty-dir',
  matches: (volume) => volume.emptyDir !== undefined,
  async setUp({ name, emptyDir }, { pod, paths, mounts }) {
    const directory = paths.volumeDirectory(pod.metadata.uid, 'empty-dir', name)
    await mkdir(directory, { recursive: true })
    const { medium = '', sizeLimit } = emptyDir!
    if (medium === 'Memory' && !(await mounts.isMountPoint(directory)))
      await mounts.mountMemory(directory, { sizeBytes: sizeLimit ? quantityValue(sizeLimit) : undefined })
    await chmod(directory, 0o777)
    return { directory, takesGroup: true }
  },
  async tearDown(name, { uid, paths, mounts }) {
    const directory = paths.volumeDirectory(uid, 'empty-dir', name)
    if (await mounts.isMountPoint(directory)) await mounts.unmount(directory)
  },
}
