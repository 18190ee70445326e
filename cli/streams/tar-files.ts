/** Files and folders of this machine as a tar stream, and the way back. Only `cp` loads it. */
import { createReadStream, createWriteStream } from 'node:fs'
import { lstat, mkdir, readdir, readlink, stat } from 'node:fs/promises'
import path from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, pack, type Pack } from 'tar-stream'

/** The file or folder under this name, with everything in it. */
export function packFiles(source: string, name: string): Readable {
  const stream = pack()
  addEntry(stream, source, name)
    .then(() => stream.finalize())
    .catch((error: unknown) => stream.destroy(error as Error))
  return Readable.from(stream)
}

async function addEntry(stream: Pack, file: string, name: string): Promise<void> {
  const found = await lstat(file)
  const common = { name, mode: found.mode & 0o7777, mtime: found.mtime }
  if (found.isDirectory()) {
    const children = (await readdir(file)).toSorted()
    // A folder that holds something is made with what it holds.
    if (children.length === 0) await addHeader(stream, { ...common, name: `${name}/`, type: 'directory' })
    for (const child of children) await addEntry(stream, path.join(file, child), `${name}/${child}`)
  } else if (found.isSymbolicLink()) {
    await addHeader(stream, { ...common, type: 'symlink', linkname: await readlink(file) })
  } else if (found.isFile()) {
    await new Promise<void>((resolve, reject) => {
      const entry = stream.entry({ ...common, size: found.size }, (error) => (error ? reject(error) : resolve()))
      pipeline(createReadStream(file), entry as unknown as Writable).catch(reject)
    })
  }
}

const addHeader = (stream: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.entry(header, (error) => (error ? reject(error) : resolve()))
  })

/** Where a member goes, or undefined when it would leave the target: a container is not to be trusted with our disk. */
export function placeOf(member: string, prefix: string, target: string): string | undefined {
  const relative = path.posix.normalize(`/${member.slice(prefix.length)}`)
  const raw = path.posix.normalize(`./${member.slice(prefix.length)}`)
  if (raw === '..' || raw.startsWith('../')) return undefined
  return relative === '/' ? target : path.join(target, relative)
}

/** Writes what a tar stream holds under `prefix` to `target`; answers how many members there were. */
export async function unpackFiles(
  source: Readable,
  prefix: string,
  target: string,
  warn: (text: string) => void,
): Promise<number> {
  const intoFolder = await stat(target).then(
    (found) => found.isDirectory(),
    () => false,
  )
  const members = extract()
  let count = 0
  const copied = pipeline(source, members as unknown as Writable)
  // Whoever reads the members hears of it first.
  copied.catch(() => {})
  for await (const member of members) {
    const { name, type, linkname, mode = 0o644 } = member.header
    if (!name.startsWith(prefix)) throw new Error('tar contents corrupted')
    count++
    const isWhole = name === prefix && type !== 'directory' && intoFolder
    const place = isWhole ? path.join(target, path.basename(prefix)) : placeOf(name, prefix, target)
    if (place === undefined) warn(`warning: file ${JSON.stringify(name)} is outside target destination, skipping`)
    else if (type === 'directory') await mkdir(place, { recursive: true })
    else if (type === 'symlink' || type === 'link')
      warn(`warning: skipping symlink: ${JSON.stringify(place)} -> ${JSON.stringify(linkname)}`)
    else {
      await mkdir(path.dirname(place), { recursive: true })
      // Whose file it becomes did not choose to run it as itself: no setuid from a container.
      await pipeline(Readable.from(member), createWriteStream(place, { mode: mode & 0o777 }))
      continue
    }
    member.resume()
  }
  await copied
  return count
}
