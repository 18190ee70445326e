/** Upstream's chain names: a prefix and sixteen characters of a hash, short enough for iptables and the same on every node. */
import { createHash } from 'node:crypto'
import { addressOf, type EndpointView, type Protocol } from '../../service-ports.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function hash(text: string): string {
  const bytes = createHash('sha256').update(text).digest()
  let bits = 0
  let value = 0
  let name = ''
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5 && name.length < 16) {
      bits -= 5
      name += alphabet[(value >> bits) & 31]
    }
    value &= 255
    if (name.length === 16) break
  }
  return name
}

export interface ChainNames {
  /** Balances over all endpoints. */
  cluster: string
  /** Balances over those of this node. */
  local: string
  /** Traffic from outside: decides about masquerading first. */
  external: string
  /** Lets only the allowed source ranges of a load balancer address through. */
  firewall: string
}

export function chainNames(id: string, protocol: Protocol): ChainNames {
  const suffix = hash(id + protocol)
  return {
    cluster: `KUBE-SVC-${suffix}`,
    local: `KUBE-SVL-${suffix}`,
    external: `KUBE-EXT-${suffix}`,
    firewall: `KUBE-FW-${suffix}`,
  }
}

export const endpointChain = (id: string, protocol: Protocol, endpoint: EndpointView): string =>
  `KUBE-SEP-${hash(id + protocol + addressOf(endpoint))}`

/** Chains that belong to one service each, and may be removed when no service wants them. */
export const isServiceChain = (chain: string): boolean => /^KUBE-(SVC|SVL|EXT|FW|SEP|XLB)-/.test(chain)

/** Chains with a higher rank lead to those with a lower one. */
const ranks = ['KUBE-MARK-', 'KUBE-SEP-', 'KUBE-SVC-', 'KUBE-SVL-', 'KUBE-EXT-', 'KUBE-FW-']

export function rankOf(chain: string): number {
  const rank = ranks.findIndex((start) => chain.startsWith(start))
  return rank < 0 ? ranks.length : rank
}
