/** Pure: which images go when their disk is too full, the longest unused first. */
import type { Image } from '../runtime/cri-types.ts'

export interface ImageUse {
  firstSeenMs: number
  lastUsedMs: number
}

export interface RemovalLimits {
  bytesToFree: number
  nowMs: number
  /** A younger one was pulled for a container that is about to start. */
  minimumAgeMs: number
}

/** An image without a repo digest was loaded by hand: no registry could give it back, so it stays. */
export function planImageRemoval(
  images: readonly Image[],
  inUse: ReadonlySet<string>,
  uses: ReadonlyMap<string, ImageUse>,
  { bytesToFree, nowMs, minimumAgeMs }: RemovalLimits,
): { remove: Image[]; freed: number } {
  const useOf = ({ id }: Image): ImageUse => uses.get(id) ?? { firstSeenMs: nowMs, lastUsedMs: nowMs }
  const candidates = images
    .filter((image) => image.repoDigests.length > 0 && !inUse.has(image.id))
    .filter((image) => nowMs - useOf(image).firstSeenMs >= minimumAgeMs && useOf(image).lastUsedMs < nowMs)
    .toSorted((a, b) => useOf(a).lastUsedMs - useOf(b).lastUsedMs || useOf(a).firstSeenMs - useOf(b).firstSeenMs)
  const remove: Image[] = []
  let freed = 0
  for (const image of candidates) {
    if (freed >= bytesToFree) break
    remove.push(image)
    freed += image.size
  }
  return { remove, freed }
}
