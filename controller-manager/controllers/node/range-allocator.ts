/** Cuts an address range into equal parts and hands each out once: the lowest free one first. */

export interface RangeAllocator {
  /** The holder's part, taken for it when it has none; null when all are taken. */
  take(holder: string): string | null
  /** Notes that the holder has this part; false when it is no part of this range, or another's. */
  occupy(holder: string, cidr: string): boolean
  release(holder: string): void
}

export function createRangeAllocator(cidr: string, maskSize: number): RangeAllocator {
  const { base, bits, width } = parseCidr(cidr)
  if (maskSize < bits || maskSize > width) throw new Error(`Cannot cut ${cidr} into /${maskSize}: a part must be inside it`)
  const count = 2n ** BigInt(maskSize - bits)
  const size = 2n ** BigInt(width - maskSize)
  const holders = new Map<bigint, string>()
  const parts = new Map<string, bigint>()

  return {
    take(holder) {
      const held = parts.get(holder)
      if (held !== undefined) return format(base + held * size, maskSize, width)
      let index = 0n
      while (holders.has(index)) index++
      if (index >= count) return null
      holders.set(index, holder)
      parts.set(holder, index)
      return format(base + index * size, maskSize, width)
    },
    occupy(holder, part) {
      const parsed = parseCidr(part)
      if (parsed.width !== width || parsed.bits !== maskSize) return false
      const index = (parsed.base - base) / size
      if (parsed.base < base || index >= count || (holders.get(index) ?? holder) !== holder) return false
      const before = parts.get(holder)
      if (before !== undefined && before !== index) holders.delete(before)
      holders.set(index, holder)
      parts.set(holder, index)
      return true
    },
    release(holder) {
      const index = parts.get(holder)
      if (index === undefined) return
      parts.delete(holder)
      if (holders.get(index) === holder) holders.delete(index)
    },
  }
}

function parseCidr(cidr: string): { base: bigint; bits: number; width: number } {
  const [address = '', length = ''] = cidr.split('/')
  const width = address.includes(':') ? 128 : 32
  const bits = Number(length)
  if (length === '' || !Number.isInteger(bits) || bits < 0 || bits > width)
    throw new Error(`Cannot read range ${cidr}: no prefix length`)
  const value = width === 32 ? parseIPv4(address) : parseIPv6(address)
  const host = BigInt(width - bits)
  return { base: (value >> host) << host, bits, width }
}

const parseIPv4 = (address: string): bigint => address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n)

function parseIPv6(address: string): bigint {
  const [head = '', tail] = address.split('::')
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const middle = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => '0')
  return [...left, ...middle, ...right].reduce((value, part) => (value << 16n) | BigInt(`0x${part}`), 0n)
}

function format(value: bigint, bits: number, width: number): string {
  if (width === 32) return `${[24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')}/${bits}`
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16)).join(':')
  // The longest run of zeros is at the end of a range's address.
  return `${groups.replace(/(:0)+$/, '::')}/${bits}`
}
