/** Picks the place of a free value in a range: at random, the part meant for hand-picked values last. Pure. */

export interface Range {
  /** Places are 0 … size - 1. */
  size: number
  /** The first so many are left to those who ask for a value by name, until the rest is used up. */
  staticSize: number
}

/** Upstream's split of the cluster IPs: a sixteenth, at least 16 and at most 256. */
export const clusterIpRange = (size: number): Range => ({
  size,
  staticSize: size < 16 ? 0 : clamp(Math.floor(size / 16), 16, 256),
})

/** And of the node ports: a thirty-second, at least 16 and at most 128. */
export const nodePortRange = (size: number): Range => ({
  size,
  staticSize: size < 16 ? 0 : clamp(Math.floor(size / 32), 16, 128),
})

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value))

/** `random` answers a number in [0, 1). Undefined when nothing is free. */
export function pickFree(
  { size, staticSize }: Range,
  isUsed: (offset: number) => boolean,
  random: () => number,
): number | undefined {
  return pickBetween(staticSize, size, isUsed, random) ?? pickBetween(0, staticSize, isUsed, random)
}

/** Random start, then onwards and around: one look is enough while the range is mostly free. */
function pickBetween(low: number, high: number, isUsed: (offset: number) => boolean, random: () => number): number | undefined {
  const count = high - low
  const start = Math.floor(random() * count)
  for (let i = 0; i < count; i++) {
    const offset = low + ((start + i) % count)
    if (!isUsed(offset)) return offset
  }
  return undefined
}
