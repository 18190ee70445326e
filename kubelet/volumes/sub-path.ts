/**
 * A part of a volume, so that no link in it and no change made meanwhile leads out of it: each step of the path is opened
 * by itself without following links, and what was opened, not its name, is bound to a place that the container gets.
 */
import { constants } from 'node:fs'
import { chmod, type FileHandle, mkdir, open, realpath, rm, rmdir, stat, writeFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { ContainerConfigError } from '../runtime/container-config.ts'
import type { Mounts } from './file-systems.ts'

/** Node leaves it out: opens a place without the right to read it. The same on every architecture that Node runs on. */
const O_PATH = 0o10000000
const asFolder = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW
const asAnything = O_PATH | constants.O_NOFOLLOW
const permissions = 0o7777

const outside = (subPath: string): ContainerConfigError =>
  new ContainerConfigError(`failed to prepare subPath for volumeMount: subpath ${JSON.stringify(subPath)} not within volume path`)

/** What is open, by a name that leads nowhere else whatever happens to its folder. */
const nameOf = (handle: FileHandle): string => `/proc/${process.pid}/fd/${handle.fd}`

/** Binds `<volume>/<subPath>` to `target`, made when it is missing; answers once the container may be given `target`. */
export async function bindSubPath(volume: string, subPath: string, target: string, mounts: Mounts): Promise<void> {
  if (path.isAbsolute(subPath) || subPath.split('/').includes('..')) throw outside(subPath)
  const handle = await openInside(volume, subPath)
  try {
    const wanted = await handle.stat()
    if (await mounts.isMountPoint(target)) {
      const bound = await stat(target)
      // A container that starts again gets the same; what was replaced meanwhile is bound anew.
      if (bound.dev === wanted.dev && bound.ino === wanted.ino) return
      await mounts.unmount(target)
    }
    await rm(target, { recursive: true, force: true })
    await mkdir(path.dirname(target), { recursive: true, mode: 0o750 })
    await (wanted.isDirectory() ? mkdir(target) : writeFile(target, ''))
    await mounts.bind(nameOf(handle), target)
  } finally {
    await handle.close()
  }
}

/** The caller closes what it gets. */
export async function openInside(volume: string, subPath: string): Promise<FileHandle> {
  const root = await realpath(volume)
  const existing = await deepestExisting(path.join(root, subPath))
  const inside = path.relative(root, existing.real)
  if (inside === '..' || inside.startsWith('../') || path.isAbsolute(inside)) throw outside(subPath)
  const parts = inside.split('/').filter(Boolean)
  let handle = await open(root, existing.missing.length + parts.length > 0 ? asFolder : asAnything)
  const { mode } = await handle.stat()
  for (const [index, name] of [...parts, ...existing.missing].entries()) {
    const isNew = index >= parts.length
    const isLast = index === parts.length + existing.missing.length - 1
    const next = await step(handle, name, { isNew, isLast, mode }).finally(() => handle.close())
    if (!next) throw outside(subPath)
    handle = next
  }
  return handle
}

/** Undefined when the name has become something else than what was looked at before. */
async function step(
  folder: FileHandle,
  name: string,
  { isNew, isLast, mode }: { isNew: boolean; isLast: boolean; mode: number },
): Promise<FileHandle | undefined> {
  const place = `${nameOf(folder)}/${name}`
  if (isNew) await mkdir(place, { mode: 0o750 }).catch(ignore('EEXIST'))
  const handle = await open(place, isLast && !isNew ? asAnything : asFolder).catch(ignore('ENOTDIR', 'ELOOP'))
  if (!handle) return undefined
  if ((await handle.stat()).isSymbolicLink()) {
    await handle.close()
    return undefined
  }
  // As upstream: what is made has the volume's own mode, whatever this process would give it.
  if (isNew) await chmod(nameOf(handle), mode & permissions)
  return handle
}

const ignore =
  (...codes: string[]) =>
  (error: unknown): undefined => {
    if (!(error instanceof Error && 'code' in error && codes.includes(String(error.code)))) throw error
    return undefined
  }

async function deepestExisting(target: string): Promise<{ real: string; missing: string[] }> {
  const real = await realpath(target).catch(ignore('ENOENT'))
  if (real !== undefined) return { real, missing: [] }
  const above = await deepestExisting(path.dirname(target))
  return { real: above.real, missing: [...above.missing, path.basename(target)] }
}

/** Gives back the places of all containers: `<root>/<volume>/<container>/<index>`. Never deletes through a mount. */
export async function removeSubPaths(root: string, mounts: Mounts): Promise<void> {
  const below = (folder: string) => readdir(folder).catch(() => [])
  for (const volume of await below(root))
    for (const container of await below(path.join(root, volume))) {
      const folder = path.join(root, volume, container)
      for (const index of await below(folder)) {
        const target = path.join(folder, index)
        if (await mounts.isMountPoint(target)) await mounts.unmount(target)
        await ((await stat(target)).isDirectory() ? rmdir(target) : rm(target))
      }
    }
  await rm(root, { recursive: true, force: true })
}
