/** fsGroup: a folder's files belong to the pod's group, which may use them; new files inherit it. */
import { chmod, lchown, lstat, readdir } from 'node:fs/promises'
import path from 'node:path'

export async function applyFsGroup(directory: string, fsGroup: number, policy: string | undefined): Promise<void> {
  const root = await lstat(directory)
  const settled = root.gid === fsGroup && (root.mode & 0o2060) === 0o2060
  if (policy === 'OnRootMismatch' && settled) return
  await ownOne(directory, fsGroup)
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    await ownOne(path.join(entry.parentPath, entry.name), fsGroup)
}

async function ownOne(file: string, fsGroup: number): Promise<void> {
  const stats = await lstat(file)
  await lchown(file, stats.uid, fsGroup)
  if (stats.isSymbolicLink()) return
  const execute = stats.isDirectory() ? 0o2110 : 0
  await chmod(file, (stats.mode & 0o7777) | 0o660 | execute)
}
