/** Keeps container logs bounded: a file that has grown too large is renamed, and the runtime is told to begin a new one. */
import { readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Kubelet } from '../kubelet.ts'
import type { KubeletContext } from '../kubelet-context.ts'

export interface RotationOptions {
  containerLogMaxBytes: number
  containerLogMaxFiles: number
  containerLogMonitorMs?: number | undefined
}

const intervalMs = 10_000

/** Resolves when the signal aborts. */
export async function rotateLogs(
  { clock, cri, logger }: KubeletContext,
  kubelet: Kubelet,
  { containerLogMaxBytes, containerLogMaxFiles, containerLogMonitorMs = intervalMs }: RotationOptions,
  signal: AbortSignal,
): Promise<void> {
  const rotate = async (containerId: string, file: string): Promise<void> => {
    const stats = await stat(file).catch(() => undefined)
    if (!stats || stats.size < containerLogMaxBytes) return
    const stamp = clock.now().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
    await rename(file, `${file}.${stamp}`)
    await cri.call('ReopenContainerLog', { containerId })
    await removeOldest(file, containerLogMaxFiles - 1)
  }
  while (!signal.aborted) {
    await clock.sleep(containerLogMonitorMs, signal)
    for (const pod of kubelet.pods())
      for (const { id, state, logPath } of kubelet.worker(pod.metadata.uid)?.runtime().containers ?? [])
        if (state === 'running' && logPath)
          await rotate(id, logPath).catch((error: unknown) =>
            logger.warn('cannot rotate a log', { logPath, error: String(error) }),
          )
  }
}

async function removeOldest(file: string, keep: number): Promise<void> {
  const folder = path.dirname(file)
  const rotated = (await readdir(folder)).filter((name) => name.startsWith(`${path.basename(file)}.`)).toSorted()
  for (const name of rotated.slice(0, Math.max(0, rotated.length - keep))) await rm(path.join(folder, name), { force: true })
}
