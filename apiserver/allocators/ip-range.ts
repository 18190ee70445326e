/** Ranges of addresses as numbers: which addresses a service CIDR has to give, and in which place each stands. */
import { ipFamily } from '../../api/names.ts'

export interface IpRange {
  cidr: string
  family: 'IPv4' | 'IPv6'
  /** How many addresses there are to give; at most 2³¹, whatever the range holds. */
  size: number
  /** The address at this place, from 0. */
  at(offset: number): string
  /** The place of this address, or -1 when it is not one to give. */
  offsetOf(address: string): number
}

/** Upstream counts no further in IPv6 ranges either. */
const MAX_SIZE = 2n ** 31n

export function parseRange(cidr: string): IpRange {
  const [address = '', length = ''] = cidr.split('/')
  const isV6 = ipFamily(address) === 6
  const width = isV6 ? 128n : 32n
  const bits = width - BigInt(length)
  const network = (toNumber(address) >> bits) << bits
  // The network's own address is never given, nor IPv4's broadcast.
  const all = 2n ** bits - (isV6 ? 1n : 2n)
  const count = all > MAX_SIZE ? MAX_SIZE : all < 0n ? 0n : all
  return {
    cidr,
    family: isV6 ? 'IPv6' : 'IPv4',
    size: Number(count),
    at: (offset) => toAddress(network + 1n + BigInt(offset), isV6),
    offsetOf: (candidate) => {
      if (ipFamily(candidate) !== (isV6 ? 6 : 4)) return -1
      const offset = toNumber(candidate) - network - 1n
      return offset >= 0n && offset < count ? Number(offset) : -1
    },
  }
}

const groups = (text: string) => (text ? text.split(':').flatMap(expandDotted) : [])

function toNumber(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n)
  const [head = '', tail] = address.split('::')
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n)
}

/** `::ffff:10.0.0.1` ends in two groups written as four bytes. */
function expandDotted(group: string): string[] {
  if (!group.includes('.')) return [group]
  const value = Number(toNumber(group))
  return [(value >>> 16).toString(16), (value & 0xffff).toString(16)]
}

function toAddress(value: bigint, isV6: boolean): string {
  if (!isV6) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  // RFC 5952: the longest run of zeros becomes `::`.
  const text = groups.join(':')
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].toSorted((a, b) => b[0].length - a[0].length)
  const longest = runs[0]
  if (!longest) return text
  return `${text.slice(0, longest.index)}::${text.slice(longest.index + longest[0].length).replace(/^:/, '')}`
}
