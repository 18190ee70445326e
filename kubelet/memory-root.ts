/** The one file system in memory that holds what pods get from Secrets, ConfigMaps and tokens: none of it reaches a disk. */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { isMountPoint } from './volumes/empty-dir.ts'

export async function prepareMemoryRoot(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  // It outlives the kubelet, as the pods do that read it.
  if (await isMountPoint(directory)) return
  await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', directory])
}
