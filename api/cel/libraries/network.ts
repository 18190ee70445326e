/** `ip("10.0.0.1")` and `cidr("10.0.0.0/8")` in CEL. An address is held as a number. */
import { ipFamily } from '../../names.ts'
import { text, type CelFunction } from '../arguments.ts'
import { CelError, CelOpaque, noOverload, type CelValue } from '../values.ts'

interface Address {
  family: 4 | 6
  bits: bigint
}

interface Block extends Address {
  length: number
}

const addresses = new WeakMap<CelOpaque, Address>()
const blocks = new WeakMap<CelOpaque, Block>()
const q = JSON.stringify

const bitsOf4 = (value: string): bigint => value.split('.').reduce((all, part) => (all << 8n) | BigInt(part), 0n)

function bitsOf6(value: string): bigint {
  const [head = '', tail] = value.split('::')
  const groups = (side: string): bigint[] => (side === '' ? [] : side.split(':').map((group) => BigInt(`0x${group}`)))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0n)
  return [...before, ...zeros, ...after].reduce((all, group) => (all << 16n) | group, 0n)
}

function parseAddress(value: string): Address | string {
  const family = ipFamily(value)
  if (family === 0 || value.includes('%')) return `IP Address ${q(value)} parse error during conversion from string`
  if (family === 4) return { family, bits: bitsOf4(value) }
  if (value.includes('.')) return `IPv4-mapped IPv6 address ${q(value)} is not allowed`
  return { family, bits: bitsOf6(value) }
}

function print({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bits >> BigInt(112 - at * 16)) & 0xffffn).toString(16))
  // The longest run of zeros, the first of several, is left out.
  const runs = groups.join(':').match(/\b0(?::0)+\b/g) ?? []
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  const all = groups.join(':')
  return longest === '' ? all : all.replace(new RegExp(`(^|:)${longest}(:|$)`), '::')
}

const widthOf = ({ family }: Address) => (family === 4 ? 32 : 128)
const networkOf = (address: Address, length: number): bigint => {
  const hidden = BigInt(widthOf(address) - length)
  return (address.bits >> hidden) << hidden
}
const isWithin = (address: Address, { family, bits, length }: Block): boolean =>
  address.family === family && networkOf(address, length) === networkOf({ family, bits }, length)

const blockOf = (value: string): Block => parseBlock(value) as Block
const LOOPBACK = [blockOf('127.0.0.0/8'), blockOf('::1/128')]
const LINK_LOCAL = [blockOf('169.254.0.0/16'), blockOf('fe80::/10')]
const LINK_LOCAL_MULTICAST = [blockOf('224.0.0.0/24'), blockOf('ff02::/16')]
const MULTICAST = [blockOf('224.0.0.0/4'), blockOf('ff00::/8')]

function parseBlock(value: string): Block | string {
  const [head = '', tail = ''] = value.split('/')
  const address = parseAddress(head)
  const failure = `network address parse error during conversion from string: ${q(value)}`
  if (typeof address === 'string' || !/^\d{1,3}$/.test(tail) || value.split('/').length !== 2) return failure
  const length = Number(tail)
  return length > widthOf(address) ? failure : { ...address, length }
}

function createAddress(address: Address): CelOpaque {
  const isIn = (list: readonly Block[]) => list.some((block) => isWithin(address, block))
  const opaque = new CelOpaque(
    'net.IP',
    print(address),
    {
      family: () => BigInt(address.family),
      isUnspecified: () => address.bits === 0n,
      isLoopback: () => isIn(LOOPBACK),
      isLinkLocalMulticast: () => isIn(LINK_LOCAL_MULTICAST),
      isLinkLocalUnicast: () => isIn(LINK_LOCAL),
      isGlobalUnicast: () => {
        const isBroadcast = address.family === 4 && address.bits === 0xffffffffn
        return address.bits !== 0n && !isBroadcast && !isIn(LOOPBACK) && !isIn(LINK_LOCAL) && !isIn(MULTICAST)
      },
    },
    { text: print(address) },
  )
  addresses.set(opaque, address)
  return opaque
}

const ip = (value: CelValue | undefined): CelOpaque => {
  const address = parseAddress(text(value))
  if (typeof address === 'string') throw new CelError(address)
  return createAddress(address)
}

const readAddress = (value: CelValue | undefined): Address => {
  const found = addresses.get(value instanceof CelOpaque ? value : ip(value))
  if (!found) throw noOverload()
  return found
}

function createBlock(block: Block): CelOpaque {
  const opaque = new CelOpaque(
    'net.CIDR',
    `${print(block)}/${block.length}`,
    {
      containsIP: (other) => isWithin(readAddress(other), block),
      containsCIDR: (other) => {
        const inner = blocks.get(other instanceof CelOpaque ? other : cidr(other))
        if (!inner) throw noOverload()
        return inner.length >= block.length && isWithin(inner, block)
      },
      ip: () => createAddress({ family: block.family, bits: block.bits }),
      masked: () => createBlock({ ...block, bits: networkOf(block, block.length) }),
      prefixLength: () => BigInt(block.length),
    },
    { text: `${print(block)}/${block.length}` },
  )
  blocks.set(opaque, block)
  return opaque
}

const cidr = (value: CelValue | undefined): CelOpaque => {
  const block = parseBlock(text(value))
  if (typeof block === 'string') throw new CelError(block)
  return createBlock(block)
}

export const networks: Readonly<Record<string, CelFunction>> = {
  ip,
  isIP: (value) => typeof parseAddress(text(value)) !== 'string',
  'ip.isCanonical': (value) => ip(value).key === text(value),
  cidr,
  isCIDR: (value) => typeof parseBlock(text(value)) !== 'string',
}
