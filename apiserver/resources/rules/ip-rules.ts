/** Addresses that traffic can be sent to: not this host, not the link, not a group. */
import { BlockList } from 'node:net'
import { invalid } from '../../../api/field-error.ts'
import { ipFamily, isValidIP } from '../../../api/names.ts'
import { check, type Errors } from './field-rules.ts'

const listOf = (...ranges: [string, number][]): BlockList => {
  const list = new BlockList()
  for (const [address, length] of ranges) list.addSubnet(address, length, address.includes(':') ? 'ipv6' : 'ipv4')
  return list
}

const SPECIAL: [BlockList, string][] = [
  [listOf(['0.0.0.0', 32], ['::', 128]), 'may not be unspecified (0.0.0.0 or ::)'],
  [listOf(['127.0.0.0', 8], ['::1', 128]), 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [listOf(['169.254.0.0', 16], ['fe80::', 10]), 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  [listOf(['224.0.0.0', 24], ['ff02::', 16]), 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
]

export function validateNonSpecialIP(errors: Errors, path: string, address: string): void {
  const family = ipFamily(address)
  if (!family) return check(errors, path, address, isValidIP(address))
  for (const [range, why] of SPECIAL) {
    if (range.check(address, family === 4 ? 'ipv4' : 'ipv6')) errors.push(invalid(path, address, why))
  }
}
