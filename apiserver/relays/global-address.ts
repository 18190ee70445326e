/** Which addresses a proxy may lead to: none that mean another thing, or a more trusted one, to this server than to whoever asks. */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { badRequest } from '../../api/status.ts'

/** What is no address of one machine for the whole network: unspecified, loopback, link-local, multicast and broadcast. */
const NOT_GLOBAL = new BlockList()
NOT_GLOBAL.addAddress('0.0.0.0')
NOT_GLOBAL.addSubnet('127.0.0.0', 8)
NOT_GLOBAL.addSubnet('169.254.0.0', 16)
NOT_GLOBAL.addSubnet('224.0.0.0', 4)
NOT_GLOBAL.addAddress('255.255.255.255')
NOT_GLOBAL.addAddress('::', 'ipv6')
NOT_GLOBAL.addAddress('::1', 'ipv6')
NOT_GLOBAL.addSubnet('fe80::', 10, 'ipv6')
NOT_GLOBAL.addSubnet('ff00::', 8, 'ipv6')

/** An IPv4 address that is written as an IPv6 one is judged as what it is; one with a zone is never global. */
export function isGlobalUnicast(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && !address.includes('%') && !NOT_GLOBAL.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * The address to connect to, of a node that may have told a name: all that the name means must be allowed, and what was judged is what is
 * dialled, so that a name cannot change its meaning in between.
 */
export async function allowedAddress(host: string, allows: (address: string) => boolean): Promise<string> {
  const addresses = isIP(host) ? [host] : (await resolve(host)).map(({ address }) => address)
  const [first] = addresses
  if (first === undefined || !addresses.every(allows)) throw notAllowed()
  return first
}

export const notAllowed = () => badRequest('address not allowed')

const resolve = (host: string) =>
  lookup(host, { all: true }).catch((error: Error) => {
    throw badRequest(`lookup ${host}: ${error.message}`)
  })
