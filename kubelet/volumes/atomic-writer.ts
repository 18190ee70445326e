/**
 * Writes the files of a payload volume so that a reader sees all of the old or all of the new ones: the files live in a
 * folder of their own, `..data` links to it and is replaced by one rename, and each top-level name links into `..data`.
 */
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import type { Payload } from './volume-kind.ts'

const dataLink = '..data'

export interface Ownership {
  /** Files and folders belong to this group, which may read them. */
  fsGroup?: number | undefined
  user?: number | undefined
}

/** Answers whether anything changed. */
export async function writePayload(directory: string, payload: Payload, ownership: Ownership, now: Date): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const current = await readlink(path.join(directory, dataLink)).catch(() => undefined)
  if (current && (await isSame(path.join(directory, current), payload))) return false

  const stamp = now.toISOString().slice(0, 19).replaceAll('-', '_').replaceAll('T', '_').replaceAll(':', '_')
  const made = await mkdtemp(path.join(directory, `..${stamp}.`))
  await chmod(made, 0o755)
  for (const [name, { content, mode }] of payload) {
    const file = path.join(made, name)
    if (name.includes('/')) await mkdir(path.dirname(file), { recursive: true })
    // Another user's process in the pod may look in before it is given its mode and owner.
    await writeFile(file, content, { mode: 0o600 })
    await own(file, mode, ownership)
  }
  if (ownership.fsGroup !== undefined) await chown(made, 0, ownership.fsGroup)
  await symlink(path.basename(made), path.join(directory, `${dataLink}_tmp`))
  await rename(path.join(directory, `${dataLink}_tmp`), path.join(directory, dataLink))
  await linkNames(directory, payload)
  if (current) await rm(path.join(directory, current), { recursive: true, force: true })
  return true
}

async function own(file: string, mode: number, { fsGroup, user }: Ownership): Promise<void> {
  const groupMode = fsGroup === undefined ? mode : mode | 0o440
  if (fsGroup !== undefined || user !== undefined) await chown(file, user ?? 0, fsGroup ?? 0)
  await chmod(file, groupMode)
}

/** Links for new names first, then those of names that are gone are dropped. */
async function linkNames(directory: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((name) => name.split('/')[0]!))
  for (const name of wanted) {
    const link = path.join(directory, name)
    if (!(await lstat(link).catch(() => undefined))) await symlink(path.join(dataLink, name), link)
  }
  for (const name of await readdir(directory))
    if (!name.startsWith('..') && !wanted.has(name)) await unlink(path.join(directory, name))
}

async function isSame(directory: string, payload: Payload): Promise<boolean> {
  const present = await listFiles(directory)
  if (present.length !== payload.size) return false
  for (const name of present) {
    const wanted = payload.get(name)
    if (!wanted || !wanted.content.equals(await readFile(path.join(directory, name)))) return false
  }
  return true
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
}
