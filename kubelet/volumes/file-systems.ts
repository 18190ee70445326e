/** Mounts that the kubelet makes by itself: file systems in memory, and what volumes need to be seen at their place. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Mounts {
  mountMemory(directory: string, options: { sizeBytes?: number | undefined; mode?: string }): Promise<void>
  /** Of pages of one size, `2Mi`, that the kernel has set aside. */
  mountHugePages(directory: string, pageSize: string): Promise<void>
  /** Neither name is resolved: a link under `/proc` stands for what is open behind it. */
  bind(source: string, target: string): Promise<void>
  unmount(directory: string): Promise<void>
  isMountPoint(directory: string): Promise<boolean>
}

export const linuxMounts: Mounts = {
  async mountMemory(directory, { sizeBytes, mode }) {
    const options = [...(sizeBytes ? [`size=${sizeBytes}`] : []), ...(mode ? [`mode=${mode}`] : [])]
    await run('mount', ['-t', 'tmpfs', ...(options.length > 0 ? ['-o', options.join(',')] : []), 'tmpfs', directory])
  },
  async mountHugePages(directory, pageSize) {
    await run('mount', ['-t', 'hugetlbfs', '-o', `pagesize=${pageSize.replace('i', '')}`, 'nodev', directory])
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
  bind: () => Promise.resolve(),
  unmount: () => Promise.resolve(),
  isMountPoint: () => Promise.resolve(false),
}
