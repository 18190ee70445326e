/** Which of this machine's addresses node ports are served on. */
import { BlockList, isIP } from 'node:net'
import { familyOf, type Family } from './service-ports.ts'

/** All addresses of the node, whichever it will have; or these, which may be none. */
export type NodePortAddresses = 'all' | readonly string[]

/** Those that the Node object names, whatever else the machine has. */
const PRIMARY = 'primary'

/** Null, or what upstream has against these values of the flag. */
export function nodePortRangesProblem(ranges: readonly string[]): string | null {
  if (ranges.includes(PRIMARY)) return ranges.length === 1 ? null : `can't use both 'primary' and CIDRs`
  const wrong = ranges.find((range) => !isRange(range))
  return wrong === undefined
    ? null
    : `invalid range ${JSON.stringify(wrong)}: must be a valid CIDR block, (e.g. 10.9.8.0/24 or 2001:db8::/64)`
}

function isRange(range: string): boolean {
  const [address = '', length = '', ...more] = range.split('/')
  const version = isIP(address)
  return version > 0 && /^\d{1,3}$/.test(length) && Number(length) <= (version === 6 ? 128 : 32) && more.length === 0
}

export interface LocalAddresses {
  /** What the interfaces have. */
  machine: readonly string[]
  /** What the Node object says that the node is reached by. */
  node: readonly string[]
}

/** `all` when the ranges leave nothing out, so that a rule by address type serves, and addresses may change. */
export function nodePortAddresses(
  ranges: readonly string[],
  family: Family,
  { machine, node }: LocalAddresses,
): NodePortAddresses {
  const inFamily = (address: string) => familyOf(address) === family
  if (ranges.includes(PRIMARY)) return node.filter(inFamily)
  const ofFamily = ranges.filter(inFamily)
  if (ofFamily.length === 0 || ofFamily.some((range) => range.endsWith('/0'))) return 'all'
  const kind = family === 'IPv6' ? 'ipv6' : 'ipv4'
  const allowed = new BlockList()
  for (const range of ofFamily) {
    const [address = '', length = ''] = range.split('/')
    allowed.addSubnet(address, Number(length), kind)
  }
  return machine.filter((address) => inFamily(address) && allowed.check(address, kind))
}
