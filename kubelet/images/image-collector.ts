/** Removes images that no container uses when the disk they are on fills up, or when a node under pressure asks for it. */
import { statfs } from 'node:fs/promises'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import type { Cri } from '../runtime/cri-client.ts'
import { type ImageUse, planImageRemoval } from './image-removal.ts'

export interface ImageCollectorOptions {
  cri: Cri
  clock: Clock
  logger: Logger
  /** Percent of the disk: above `high` images go until `low` is reached; 100 switches it off. */
  imageGcHighPercent: number
  imageGcLowPercent: number
  minimumImageAgeMs?: number | undefined
  /** Says on the node why not enough could be freed. */
  onFailure(reason: string, message: string): void
}

export interface ImageCollector {
  collect(): Promise<void>
  /** All that nobody uses, whatever the disk; answers how many bytes that freed. */
  removeUnused(): Promise<number>
}

const minimumAgeMs = 120_000

export function createImageCollector(options: ImageCollectorOptions): ImageCollector {
  const { cri, clock, logger, imageGcHighPercent, imageGcLowPercent } = options
  const uses = new Map<string, ImageUse>()

  async function free(bytesToFree: number, ageMs: number): Promise<number> {
    const nowMs = clock.now().getTime()
    const [{ images }, { containers }] = await Promise.all([cri.call('ListImages', {}), cri.call('ListContainers', {})])
    const named = new Set(containers.flatMap(({ imageRef, image }) => [imageRef, image?.image ?? '']))
    const inUse = new Set(
      images
        .filter(({ id, repoDigests, repoTags }) => [id, ...repoDigests, ...repoTags].some((name) => named.has(name)))
        .map(({ id }) => id),
    )
    const present = new Set(images.map(({ id }) => id))
    for (const id of uses.keys()) if (!present.has(id)) uses.delete(id)
    for (const { id } of images) {
      const known = uses.get(id) ?? { firstSeenMs: nowMs, lastUsedMs: 0 }
      uses.set(id, inUse.has(id) ? { ...known, lastUsedMs: nowMs } : known)
    }
    const { remove } = planImageRemoval(images, inUse, uses, { bytesToFree, nowMs, minimumAgeMs: ageMs })
    let freed = 0
    for (const { id, size } of remove) {
      await cri.call('RemoveImage', { image: { image: id } })
      logger.info('removed an image that nobody uses', { id, size })
      freed += size
    }
    return freed
  }

  return {
    removeUnused: () => free(Infinity, 0),
    async collect() {
      const { imageFilesystems } = await cri.call('ImageFsInfo', {})
      const mountpoint = imageFilesystems[0]?.fsId?.mountpoint
      if (!mountpoint) return
      const { blocks, bavail, bsize } = await statfs(mountpoint)
      const [capacity, available] = [blocks * bsize, bavail * bsize]
      const percent = 100 - Math.floor((available * 100) / capacity)
      const full = imageGcHighPercent < 100 && percent >= imageGcHighPercent
      const wanted = full ? Math.floor((capacity * (100 - imageGcLowPercent)) / 100) - available : 0
      const freed = await free(wanted, options.minimumImageAgeMs ?? minimumAgeMs)
      if (freed < wanted) {
        const message = `Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`
        options.onFailure('FreeDiskSpaceFailed', message)
      }
    },
  }
}
