/** A file of lines that makes room for the next one before it grows beyond its size; so many of the old ones are kept. */
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'

export interface RotatedFileOptions {
  /** `--audit-log-path`. */
  file: string
  /** `--audit-log-maxsize`, in bytes; the file is rotated before it grows beyond. */
  maxBytes?: number
  /** `--audit-log-maxbackup`: how many rotated files are kept; 0 for all. */
  maxBackups?: number
  /** `--audit-log-maxage`, in days; 0 for ever. */
  maxAgeDays?: number
  onProblem: (problem: string, details: Record<string, unknown>) => void
  now?: () => Date
}

export interface RotatedFile {
  /** Where the lines end that go together into the file as it is, or else into the next one: a line at least. */
  endOfFitting(lines: readonly string[], from: number): number
  /** Rejects when the disk takes it not, or not whole; what comes later begins a line of its own. */
  append(text: string): Promise<void>
  /** Never rejects; the next `append` opens it again. */
  close(): Promise<void>
}

const DAY = 24 * 3600_000

export function createRotatedFile(options: RotatedFileOptions): RotatedFile {
  const { file, maxBytes = 100 * 2 ** 20, onProblem } = options
  let handle: FileHandle | undefined
  let size = 0
  let rotatedAt = Number.NEGATIVE_INFINITY

  async function openFile(): Promise<void> {
    handle = await open(file, 'a+', 0o600)
    size = (await handle.stat()).size
    if (size === 0) return
    const { buffer } = await handle.read({ buffer: Buffer.alloc(1), position: size - 1 })
    // A disk that was full has taken half a line: the next one is not to be lost with it.
    if (buffer.toString() === '\n') return
    await handle.appendFile('\n')
    size++
  }

  async function close(): Promise<void> {
    const closing = handle
    handle = undefined
    // What a disk says of closing, it has said of writing.
    await closing?.close().catch(() => {})
  }

  async function rotate(): Promise<void> {
    await close()
    // A millisecond apart, so that the names of the files have their order.
    rotatedAt = Math.max(rotatedAt + 1, (options.now?.() ?? new Date()).getTime())
    const now = new Date(rotatedAt)
    await rename(file, await freeName(file, now))
    await openFile()
    await removeOld(options, now).catch((error: unknown) => {
      onProblem('cannot remove old audit logs', { why: (error as Error).message })
    })
  }

  return {
    endOfFitting(lines, from) {
      const first = Buffer.byteLength(lines[from]!)
      let room = (size + first > maxBytes ? maxBytes : maxBytes - size) - first
      let until = from + 1
      while (until < lines.length && (room -= Buffer.byteLength(lines[until]!)) >= 0) until++
      return until
    },
    async append(text) {
      const bytes = Buffer.byteLength(text)
      if (!handle) await openFile()
      if (size > 0 && size + bytes > maxBytes) await rotate()
      await handle!.appendFile(text)
      size += bytes
    },
    close,
  }
}

/** `audit-2026-05-01T12-00-00.000.log` beside `audit.log`, with a number more when the clock has not moved on. */
async function freeName(file: string, now: Date): Promise<string> {
  const { dir, name, ext } = path.parse(file)
  const base = path.join(dir, `${name}-${now.toISOString().replaceAll(':', '-').replace('Z', '')}`)
  for (let attempt = 0; ; attempt++) {
    const candidate = `${base}${attempt > 0 ? `-${attempt}` : ''}${ext}`
    if (!(await exists(candidate))) return candidate
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** What `freeName` puts between the name and its ending. */
const ROTATED = /^-(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})(-\d+)?$/

async function removeOld({ file, maxBackups = 0, maxAgeDays = 0 }: RotatedFileOptions, now: Date): Promise<void> {
  const { dir, name, ext } = path.parse(file)
  const timeOf = (one: string): number => {
    const [, day, hour, minute, second] =
      (one.startsWith(name) && one.endsWith(ext) && ROTATED.exec(one.slice(name.length, one.length - ext.length))) || []
    return Date.parse(`${day}${hour}:${minute}:${second}Z`)
  }
  const backups = (await readdir(dir || '.'))
    .filter((one) => !Number.isNaN(timeOf(one)))
    .sort()
    .reverse()
  const oldest = maxAgeDays > 0 ? now.getTime() - maxAgeDays * DAY : Number.NEGATIVE_INFINITY
  const surplus = backups.filter((one, index) => (maxBackups > 0 && index >= maxBackups) || timeOf(one) < oldest)
  await Promise.all(surplus.map((one) => rm(path.join(dir, one), { force: true })))
}
