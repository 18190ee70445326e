/** Where audit events go: a file of JSON lines that is rotated, behind a buffer that is bounded and never in a request's way. */
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'

export interface AuditLogOptions {
  /** `--audit-log-path`. */
  file: string
  /** `--audit-log-maxsize`, in bytes; the file is rotated before it grows beyond. */
  maxBytes?: number
  /** `--audit-log-maxbackup`: how many rotated files are kept; 0 for all. */
  maxBackups?: number
  /** `--audit-log-maxage`, in days; 0 for ever. */
  maxAgeDays?: number
  /** Bytes that may wait to be written; what comes when it is full is dropped, counted and said. */
  bufferBytes?: number
  onProblem: (problem: string, details: Record<string, unknown>) => void
  now?: () => Date
}

export interface AuditLog {
  /** Never waits, never throws. */
  write(event: object): void
  /** Events that were taken. */
  taken(): number
  /** Events that found no room, or no disk. */
  dropped(): number
  /** Resolves when all that came before is written. */
  flush(): Promise<void>
  close(): Promise<void>
}

const DAY = 24 * 3600_000

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { file, maxBytes = 100 * 2 ** 20, bufferBytes = 16 * 2 ** 20, onProblem } = options
  let waiting: string[] = []
  let waitingBytes = 0
  let taken = 0
  let dropped = 0
  let failing = false
  let closed = false
  let handle: FileHandle | undefined
  let size = 0
  let writing: Promise<void> | undefined

  function drop(count: number, why: string): void {
    dropped += count
    // Said once for each time of trouble, not once for each event.
    if (!failing) onProblem('audit events are dropped', { why, dropped })
    failing = true
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const lines = waiting
      waiting = []
      waitingBytes = 0
      try {
        await append(lines.join(''))
        failing = false
      } catch (error) {
        drop(lines.length, (error as Error).message)
      }
    }
    writing = undefined
  }

  async function append(text: string): Promise<void> {
    const bytes = Buffer.byteLength(text)
    if (!handle) await openFile()
    if (size > 0 && size + bytes > maxBytes) await rotate()
    await handle!.appendFile(text)
    size += bytes
  }

  async function openFile(): Promise<void> {
    handle = await open(file, 'a', 0o600)
    size = (await handle.stat()).size
  }

  async function rotate(): Promise<void> {
    await handle?.close()
    handle = undefined
    const now = options.now?.() ?? new Date()
    await rename(file, await freeName(file, now))
    await openFile()
    await removeOld(file, options, now).catch((error: unknown) => {
      onProblem('cannot remove old audit logs', { why: (error as Error).message })
    })
  }

  const flush = async (): Promise<void> => {
    while (writing) await writing
  }

  return {
    write(event) {
      const line = `${JSON.stringify(event)}\n`
      if (closed || waitingBytes + line.length > bufferBytes) return drop(1, closed ? 'the log is closed' : 'the buffer is full')
      taken++
      waiting.push(line)
      waitingBytes += line.length
      // Never rejects: what cannot be written is dropped and said.
      writing ??= Promise.resolve().then(drain)
    },
    taken: () => taken,
    dropped: () => dropped,
    flush,
    async close() {
      closed = true
      await flush()
      await handle?.close()
      handle = undefined
    },
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

async function removeOld(file: string, { maxBackups = 0, maxAgeDays = 0 }: AuditLogOptions, now: Date): Promise<void> {
  const { dir, name, ext } = path.parse(file)
  const isBackup = (one: string) => one.startsWith(`${name}-`) && one.endsWith(ext)
  const backups = (await readdir(dir || '.')).filter(isBackup).sort().reverse()
  const oldest = maxAgeDays > 0 ? now.getTime() - maxAgeDays * DAY : Number.NEGATIVE_INFINITY
  const surplus = await Promise.all(
    backups.map(async (one, index) => {
      const whole = path.join(dir, one)
      const tooMany = maxBackups > 0 && index >= maxBackups
      return tooMany || (await stat(whole)).mtimeMs < oldest ? [whole] : []
    }),
  )
  await Promise.all(surplus.flat().map((one) => rm(one, { force: true })))
}
