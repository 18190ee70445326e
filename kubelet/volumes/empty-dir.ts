/** emptyDir: a folder that lives as long as the pod, on disk or in memory. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { quantityValue } from '../../api/quantity.ts'
import type { DirectoryKind } from './volume-kind.ts'

const run = promisify(execFile)

export const emptyDir: DirectoryKind = {
  name: 'empty-dir',
  matches: (volume) => volume.emptyDir !== undefined,
  async setUp({ name, emptyDir }, { pod, paths }) {
    const directory = paths.volumeDirectory(pod.metadata.uid, 'empty-dir', name)
    await mkdir(directory, { recursive: true })
    const { medium = '', sizeLimit } = emptyDir!
    if (medium === 'Memory' && !(await isMountPoint(directory))) {
      const size = sizeLimit ? [`-osize=${quantityValue(sizeLimit)}`] : []
      await run('mount', ['-t', 'tmpfs', ...size, 'tmpfs', directory])
    }
    await chmod(directory, 0o777)
    return directory
  },
  async tearDown(name, { uid, paths }) {
    const directory = paths.volumeDirectory(uid, 'empty-dir', name)
    if (await isMountPoint(directory)) await run('umount', [directory])
  },
}

export async function isMountPoint(directory: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8')
  return mounts.split('\n').some((line) => line.split(' ')[4] === directory)
}
