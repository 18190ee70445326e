/** Which of this machine's addresses node ports are served on. */
import { networkInterfaces } from 'node:os'
import { BlockList } from 'node:net'
import { familyOf, type Family } from './service-ports.ts'

/** Empty when the ranges leave nothing out, so that a rule by address type serves, and addresses may change. */
export function nodePortAddresses(ranges: readonly string[], family: Family): string[] {
  const ofFamily = ranges.filter((range) => familyOf(range) === family)
  if (ofFamily.length === 0 || ofFamily.some((range) => range.endsWith('/0'))) return []
  const allowed = new BlockList()
  for (const range of ofFamily) {
    const [address = '', length = ''] = range.split('/')
    allowed.addSubnet(address, Number(length), family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((each) => each.family === family && allowed.check(each.address, family === 'IPv6' ? 'ipv6' : 'ipv4'))
    .map(({ address }) => address)
}
