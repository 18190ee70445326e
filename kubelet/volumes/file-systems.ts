/** Mounts that the kubelet makes by itself: file systems in memory, and what volumes need to be seen at their place. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Mounts {
  mountMemory(directory: string, options: { sizeBytes?: number | undefined; mode?: string }): Promise<void>
  /** Of pages of one size, `2Mi`, that the kernel has set aside. */
  mountHugePages(directory: string, pageSize: string): Promise<void>
  /** The file system on a block device; a blank one gets one of that type first. */
  mountDevice(device: string, directory: string, how: { fsType: string; options: readonly string[] }): Promise<void>
  /** Neither name is resolved: a link under `/proc` stands for what is open behind it. */
  bind(source: string, target: string): Promise<void>
  unmount(directory: string): Promise<void>
  isMountPoint(directory: string): Promise<boolean>
}

/** One at a time: of two pods that start on a blank device together, only one may format it. */
let lastDevice: Promise<void> = Promise.resolve()

const mountDevice: Mounts['mountDevice'] = async (device, directory, { fsType, options }) => {
  if (await isBlank(device)) await run(`mkfs.${fsType}`, [...(fsType.startsWith('ext') ? ['-F', '-m0'] : []), device])
  await run('mount', ['-t', fsType, ...(options.length > 0 ? ['-o', options.join(',')] : []), device, directory])
}

/** Neither a file system nor partitions; whatever else keeps us from knowing is an error, for formatting destroys. */
async function isBlank(device: string): Promise<boolean> {
  const nothingFound = 2
  return run('blkid', ['-p', '-s', 'TYPE', '-s', 'PTTYPE', device]).then(
    () => false,
    (error: unknown) => {
      if ((error as { code?: unknown }).code === nothingFound) return true
      throw error
    },
  )
}

export const linuxMounts: Mounts = {
  async mountMemory(directory, { sizeBytes, mode }) {
    const options = [...(sizeBytes ? [`size=${sizeBytes}`] : []), ...(mode ? [`mode=${mode}`] : [])]
    await run('mount', ['-t', 'tmpfs', ...(options.length > 0 ? ['-o', options.join(',')] : []), 'tmpfs', directory])
  },
  async mountHugePages(directory, pageSize) {
    await run('mount', ['-t', 'hugetlbfs', '-o', `pagesize=${pageSize.replace('i', '')}`, 'nodev', directory])
  },
  mountDevice(...request) {
    const mounted = lastDevice.then(() => mountDevice(...request))
    lastDevice = mounted.catch(() => undefined)
    return mounted
  },
  async bind(source, target) {
    await run('mount', ['--no-canonicalize', '--bind', source, target])
  },
  async unmount(directory) {
    await run('umount', [directory])
  },
  async isMountPoint(directory) {
    const mounts = await readFile('/proc/self/mountinfo', 'utf8')
    return mounts.split('\n').some((line) => line.split(' ')[4] === directory)
  },
}

/** For nodes that run nothing: their folders lie on whatever is there. */
export const noMounts: Mounts = {
  mountMemory: () => Promise.resolve(),
  mountHugePages: () => Promise.resolve(),
  mountDevice: () => Promise.resolve(),
  bind: () => Promise.resolve(),
  unmount: () => Promise.resolve(),
  isMountPoint: () => Promise.resolve(false),
}
