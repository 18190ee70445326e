/** Which of the address ranges of labs this machine's other networks are in: nobody could reach a lab there. Pure but for its default. */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

export type Interfaces = NodeJS.Dict<Pick<NetworkInterfaceInfo, 'cidr'>[]>

/** The interface with an address in 172.30.`index`.0/24, or whose own network is a part of it or holds it and little else. */
export function interfaceIn(index: number, interfaces: Interfaces = networkInterfaces()): string | undefined {
  const isIn = ({ cidr }: { cidr: string | null }) => {
    const [, third, length] = /^172\.30\.(\d+)\.\d+\/(\d+)$/.exec(cidr ?? '') ?? []
    if (third === undefined) return false
    // Of a network as wide as 172.30.0.0/16 a lab takes a small part, which its own route, the narrower one, leads to.
    const bits = Number(length) <= 16 ? 24 : Math.min(24, Number(length))
    return Number(third) >> (24 - bits) === index >> (24 - bits)
  }
  return Object.entries(interfaces).find(([, addresses]) => addresses?.some(isIn))?.[0]
}
