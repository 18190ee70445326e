/** What a container that ended left to say: its termination message file, or by policy the end of its log. */
import { open, readFile } from 'node:fs/promises'
import { readContainerAnnotations } from '../runtime/labels.ts'
import type { ContainerStatus } from '../runtime/cri-types.ts'
import { labels } from '../runtime/labels.ts'
import type { KubeletPaths } from '../paths.ts'
import { parseLogLine } from '../server/cri-log.ts'

const maxMessage = 4096
const maxLogTail = 2048
const maxLogLines = 80

export const createMessageReader =
  (paths: KubeletPaths) =>
  async (status: ContainerStatus): Promise<string> => {
    const { terminationMessagePath, terminationMessagePolicy } = readContainerAnnotations(status.annotations)
    const uid = status.labels[labels.podUid]
    if (!uid || !terminationMessagePath) return ''
    const file = paths.terminationLog(uid, status.metadata.name, status.metadata.attempt)
    const message = await readStart(file, maxMessage)
    if (message || status.exitCode === 0 || terminationMessagePolicy !== 'FallbackToLogsOnError') return message
    return readLogTail(status.logPath)
  }

async function readStart(file: string, limit: number): Promise<string> {
  try {
    return (await readFile(file)).subarray(0, limit).toString()
  } catch {
    // The container may have removed it, or the pod's folder has gone already.
    return ''
  }
}

async function readLogTail(file: string): Promise<string> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return ''
  try {
    const { size } = await handle.stat()
    // Each line carries some 50 bytes before its text.
    const length = Math.min(size, 4 * maxLogTail + maxLogLines * 64)
    const buffer = Buffer.alloc(length)
    await handle.read(buffer, 0, length, size - length)
    const lines = buffer
      .toString()
      .split('\n')
      .slice(size > length ? 1 : 0)
    const text = lines
      .slice(-maxLogLines - 1)
      .map((line) => parseLogLine(line))
      .map((entry) => (entry ? entry.text + (entry.partial ? '' : '\n') : ''))
      .join('')
    return text.slice(-maxLogTail)
  } finally {
    await handle.close()
  }
}
