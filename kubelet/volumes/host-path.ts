/** hostPath: a file or folder of the node. */
import type { Stats } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import path from 'node:path'
import { type DirectoryKind, VolumeError } from './volume-kind.ts'

export const hostPath: DirectoryKind = {
  name: 'host-path',
  matches: (volume) => volume.hostPath !== undefined,
  setUp: async ({ hostPath }) => ({ directory: await openHostPath(hostPath!), takesGroup: false }),
}

const checks: Record<string, [string, (stats: Stats) => boolean]> = {
  Directory: ['a directory', (stats) => stats.isDirectory()],
  File: ['a file', (stats) => stats.isFile()],
  Socket: ['a socket file', (stats) => stats.isSocket()],
  CharDevice: ['a character device', (stats) => stats.isCharacterDevice()],
  BlockDevice: ['a block device', (stats) => stats.isBlockDevice()],
}

export async function openHostPath({ path: hostPath, type = '' }: { path: string; type?: string | undefined }): Promise<string> {
  if (type === 'DirectoryOrCreate') await mkdir(hostPath, { recursive: true, mode: 0o755 })
  if (type === 'FileOrCreate') await createFile(hostPath)
  if (type === '') return hostPath
  const [what, matches] = checks[type.replace('OrCreate', '')] ?? ['known', () => false]
  const stats = await stat(hostPath).catch(() => undefined)
  if (!stats || !matches(stats)) throw new VolumeError(`hostPath type check failed: ${hostPath} is not ${what}`)
  return hostPath
}

async function createFile(file: string): Promise<void> {
  const stats = await stat(path.dirname(file)).catch(() => undefined)
  if (!stats) throw new VolumeError(`open ${file}: no such file or directory`)
  await (await open(file, 'a', 0o644)).close()
}
