/** Where audit events go: a rotated file of JSON lines, behind a buffer that is bounded and never in a request's way. */
import { createRotatedFile, type RotatedFileOptions } from './rotated-file.ts'

export interface AuditLogOptions extends RotatedFileOptions {
  /** Bytes that may wait to be written; what comes when it is full is dropped, counted and said. */
  bufferBytes?: number
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

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { bufferBytes = 16 * 2 ** 20, onProblem } = options
  const file = createRotatedFile(options)
  let waiting: string[] = []
  let waitingBytes = 0
  let taken = 0
  let dropped = 0
  let failing = false
  let closed = false
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
      await appendAll(lines)
    }
    writing = undefined
  }

  async function appendAll(lines: readonly string[]): Promise<void> {
    for (let from = 0, until = 0; from < lines.length; from = until) {
      until = file.endOfFitting(lines, from)
      try {
        await file.append(lines.slice(from, until).join(''))
        failing = false
      } catch (error) {
        drop(until - from, (error as Error).message)
        await file.close()
      }
    }
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
      await file.close()
    },
  }
}
