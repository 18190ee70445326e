/** Keeps the logs of a lab's processes from filling the disk: of each the last part, and the one before it. */
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from '../component/logger.ts'

const LIMIT = 16 * 1024 * 1024
const CHECK_MS = 60_000

/** Until the answer is called. `names` are those of the processes. */
export function trimLogs(folder: string, names: () => readonly string[], logger: Logger): () => void {
  const trimAll = async () => {
    for (const name of names()) await trim(path.join(folder, `${name}.log`))
  }
  const timer = setInterval(() => void trimAll().catch((error: unknown) => logger.warn('cannot trim logs', { error })), CHECK_MS)
  return () => clearInterval(timer)
}

/** Processes write in append mode, so cutting what they write to is safe. */
async function trim(file: string): Promise<void> {
  const { size } = await stat(file).catch(() => ({ size: 0 }))
  if (size <= LIMIT) return
  await writeFile(`${file}.1`, await readFile(file))
  await truncate(file)
}
