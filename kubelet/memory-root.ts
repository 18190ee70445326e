/** The one file system in memory that holds what pods get from Secrets, ConfigMaps and tokens: none of it reaches a disk. */
import { mkdir } from 'node:fs/promises'
import type { Mounts } from './volumes/file-systems.ts'

export async function prepareMemoryRoot(directory: string, mounts: Mounts): Promise<void> {
  await mkdir(directory, { recursive: true })
  // It outlives the kubelet, as the pods do that read it.
  if (!(await mounts.isMountPoint(directory))) await mounts.mountMemory(directory, { mode: '0755' })
}
