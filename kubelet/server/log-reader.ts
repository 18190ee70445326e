/** Reads a container's log from the runtime's file: from where the request asks, and on as it grows. */
import { watch } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { type LogEntry, parseLogLine } from './cri-log.ts'

export interface LogOptions {
  follow: boolean
  timestamps: boolean
  /** Milliseconds since 1970; older lines are left out. */
  sinceMs?: number | undefined
  tailLines?: number | undefined
  limitBytes?: number | undefined
  stream?: 'Stdout' | 'Stderr' | 'All' | undefined
}

export interface LogSource {
  path: string
  /** Whether the file may still grow. */
  running(): boolean
  /** Calls back whenever `running` may answer otherwise; answers how to stop that. */
  onChange(changed: () => void): () => void
}

const chunkSize = 64 * 1024

/** Ends when the file was read and will not grow, the limit was reached, or the signal aborts. */
export async function* readLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const growth = options.follow ? watchFile(source) : undefined
  let handle = await openOrUndefined(source.path)
  let left = options.limitBytes ?? Infinity
  let carry = Buffer.alloc(0)
  let position = handle && options.tailLines !== undefined ? await findTail(handle, options.tailLines) : 0
  const take = (entry: LogEntry): Buffer | undefined => {
    const text = render(entry, options)
    if (!text) return undefined
    const bytes = text.subarray(0, left)
    left -= bytes.length
    return bytes
  }
  try {
    while (!signal.aborted && left > 0) {
      // Asked before the read: what was written before the end is read after it.
      const mayGrow = source.running()
      const chunk = handle ? await readChunk(handle, position) : Buffer.alloc(0)
      position += chunk.length
      const { entries, rest } = split(Buffer.concat([carry, chunk]))
      carry = rest
      const out = entries.map(take).filter((bytes): bytes is Buffer => bytes !== undefined)
      if (out.length > 0) yield Buffer.concat(out)
      if (chunk.length > 0) continue
      const fresh = await reopenIfRotated(handle, source.path)
      if (fresh) {
        handle = fresh
        position = 0
      } else if (!growth || !mayGrow) return
      else await growth.next(signal)
    }
  } finally {
    growth?.close()
    await handle?.close()
  }
}

const openOrUndefined = (path: string): Promise<FileHandle | undefined> => open(path).catch(() => undefined)

async function readChunk(handle: FileHandle, position: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkSize)
  const { bytesRead } = await handle.read(buffer, 0, chunkSize, position)
  return buffer.subarray(0, bytesRead)
}

function split(data: Buffer): { entries: LogEntry[]; rest: Buffer<ArrayBuffer> } {
  const end = data.lastIndexOf(10)
  const rest = Buffer.from(data.subarray(end + 1))
  if (end < 0) return { entries: [], rest }
  // One byte a character keeps bytes that are no UTF-8 as they are.
  const lines = data.subarray(0, end).toString('latin1').split('\n')
  return { entries: lines.map(parseLogLine).filter((entry): entry is LogEntry => entry !== undefined), rest }
}

function render(
  { time, stream, partial, text }: LogEntry,
  { sinceMs, timestamps, stream: wanted = 'All' }: LogOptions,
): Buffer | undefined {
  if (sinceMs !== undefined && Date.parse(time) < sinceMs) return undefined
  if (wanted !== 'All' && wanted.toLowerCase() !== stream) return undefined
  return Buffer.from(`${timestamps ? `${time} ` : ''}${text}${partial ? '' : '\n'}`, 'latin1')
}

/** Where the last `lines` lines begin, found from the end. */
async function findTail(handle: FileHandle, lines: number): Promise<number> {
  let { size: position } = await handle.stat()
  if (lines <= 0) return position
  let newlines = 0
  while (position > 0) {
    const start = Math.max(0, position - chunkSize)
    const buffer = Buffer.allocUnsafe(position - start)
    await handle.read(buffer, 0, buffer.length, start)
    for (let index = buffer.length - 1; index >= 0; index--) {
      // The newline that ends the last line begins none.
      if (buffer[index] === 10 && newlines++ === lines) return start + index + 1
    }
    position = start
  }
  return 0
}

async function reopenIfRotated(handle: FileHandle | undefined, path: string): Promise<FileHandle | undefined> {
  if (!handle) return openOrUndefined(path)
  const [mine, theirs] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)])
  if (!theirs || theirs.ino === mine.ino) return undefined
  await handle.close()
  return openOrUndefined(path)
}

/** Tells of growth by the kernel's notifications, and of the end by the source's. */
function watchFile({ path, onChange }: LogSource) {
  let wake = () => {}
  let pending = false
  const notify = () => {
    pending = true
    wake()
  }
  const folder = path.slice(0, path.lastIndexOf('/'))
  const watcher = watch(folder, notify)
  watcher.on('error', notify)
  const leave = onChange(notify)
  return {
    async next(signal: AbortSignal): Promise<void> {
      if (!pending)
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      pending = false
    },
    close() {
      watcher.close()
      leave()
    },
  }
}
