/** Follows a folder of manifests: says each time which static pods it asks for. */
import { type FSWatcher, watch } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { messageOf } from '../../api/error-message.ts'
import type { Pod } from '../../api/generated/types.ts'
import type { Cancel, Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { readManifest } from './read-manifest.ts'

export interface ManifestOptions {
  /** A folder, or one file. */
  manifestPath: string
  nodeName: string
  checkFrequencyMs: number
  clock: Clock
  logger: Logger
}

export interface ManifestWatch {
  /** Resolves after the first look. */
  started: Promise<void>
  stop(): void
}

/** An editor writes a file in several steps. */
const settleMs = 100

export function watchManifests(options: ManifestOptions, onPods: (pods: readonly Pod[]) => void): ManifestWatch {
  const { clock, logger, manifestPath } = options
  let watcher: FSWatcher | undefined
  let cancel: Cancel = () => {}
  let stopped = false

  async function look(): Promise<void> {
    cancel()
    try {
      const pods = await readManifests(options)
      if (stopped) return
      onPods(pods)
      watcher ??= follow()
    } catch (error) {
      logger.warn('cannot read static pods', { path: manifestPath, error: String(error) })
    }
    // What the kernel tells may be lost, and a folder may come later.
    if (!stopped) cancel = clock.setTimeout(() => void look(), options.checkFrequencyMs)
  }

  function follow(): FSWatcher {
    const watched = watch(manifestPath, () => {
      cancel()
      cancel = clock.setTimeout(() => void look(), settleMs)
    })
    watched.on('error', () => {
      watched.close()
      watcher = undefined
    })
    return watched
  }

  return {
    started: look(),
    stop() {
      stopped = true
      cancel()
      watcher?.close()
    },
  }
}

/** A file that cannot be read is told of and left out; a folder that is not there asks for nothing. */
async function readManifests({ manifestPath, nodeName, logger }: ManifestOptions): Promise<Pod[]> {
  const about = await stat(manifestPath).catch(() => undefined)
  if (!about) return []
  const names = about.isDirectory() ? (await readdir(manifestPath)).toSorted() : [path.basename(manifestPath)]
  const folder = about.isDirectory() ? manifestPath : path.dirname(manifestPath)
  const pods = new Map<string, Pod>()
  for (const name of names.filter((name) => !name.startsWith('.'))) {
    const file = path.join(folder, name)
    try {
      if (!(await stat(file)).isFile()) continue
      const pod = readManifest(await readFile(file, 'utf8'), file, nodeName)
      pods.set(`${pod.metadata.namespace}/${pod.metadata.name}`, pod)
    } catch (error) {
      logger.warn('cannot read a static pod', { file, error: messageOf(error) })
    }
  }
  return [...pods.values()]
}
