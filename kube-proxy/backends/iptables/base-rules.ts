/** What is there before any service is: the chains all share, the jumps into them, and the marks. Pure. */
import type { NodePortAddresses } from '../../local-addresses.ts'
import type { Family } from '../../service-ports.ts'
import type { SharedChain } from './render-rules.ts'
import type { Table } from './tables.ts'

/** The bit that asks for masquerading at the end. The kubelet leaves it to us. */
const masqueradeMark = '0x4000'

export const canaryChain = 'KUBE-PROXY-CANARY'
export const canaryTables: readonly Table[] = ['mangle', 'nat', 'filter']

export interface Jump {
  table: Table
  from: string
  to: string
  /** What comes before `-j`. */
  match: string
}

const isNew = '-m conntrack --ctstate NEW '
const jump = (table: Table, from: string, to: string, comment: string, match = ''): Jump => ({
  table,
  from,
  to,
  match: `${match}-m comment --comment "${comment}"`,
})

const visible = 'kubernetes externally-visible service portals'
const portals = 'kubernetes service portals'
const firewall = 'kubernetes load balancer firewall'

export const JUMPS: readonly Jump[] = [
  jump('filter', 'INPUT', 'KUBE-FIREWALL', 'kubernetes localhost protection'),
  jump('filter', 'INPUT', 'KUBE-EXTERNAL-SERVICES', visible, isNew),
  jump('filter', 'FORWARD', 'KUBE-EXTERNAL-SERVICES', visible, isNew),
  jump('filter', 'INPUT', 'KUBE-NODEPORTS', 'kubernetes health check service ports'),
  jump('filter', 'FORWARD', 'KUBE-SERVICES', portals, isNew),
  jump('filter', 'OUTPUT', 'KUBE-SERVICES', portals, isNew),
  jump('filter', 'FORWARD', 'KUBE-FORWARD', 'kubernetes forwarding rules'),
  jump('filter', 'INPUT', 'KUBE-PROXY-FIREWALL', firewall, isNew),
  jump('filter', 'OUTPUT', 'KUBE-PROXY-FIREWALL', firewall, isNew),
  jump('filter', 'FORWARD', 'KUBE-PROXY-FIREWALL', firewall, isNew),
  jump('nat', 'OUTPUT', 'KUBE-SERVICES', portals),
  jump('nat', 'PREROUTING', 'KUBE-SERVICES', portals),
  jump('nat', 'POSTROUTING', 'KUBE-POSTROUTING', 'kubernetes postrouting rules'),
]

export const SHARED_CHAINS: readonly SharedChain[] = [
  'nat/KUBE-SERVICES',
  'nat/KUBE-NODEPORTS',
  'filter/KUBE-SERVICES',
  'filter/KUBE-EXTERNAL-SERVICES',
  'filter/KUBE-NODEPORTS',
  'filter/KUBE-PROXY-FIREWALL',
]

/** Chains whose content no service changes, by table and name. */
export function fixedChains(family: Family): Map<string, string[]> {
  const mark = `${masqueradeMark}/${masqueradeMark}`
  const loopback = family === 'IPv6' ? '::1/128' : '127.0.0.0/8'
  return new Map([
    ['nat/KUBE-MARK-MASQ', [`-j MARK --or-mark ${masqueradeMark}`]],
    [
      'nat/KUBE-POSTROUTING',
      [
        `-m mark ! --mark ${mark} -j RETURN`,
        // Taken off again, so that a packet which passes here twice is masqueraded once.
        `-j MARK --xor-mark ${masqueradeMark}`,
        '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
      ],
    ],
    [
      'filter/KUBE-FORWARD',
      [
        '-m conntrack --ctstate INVALID -j DROP',
        `-m comment --comment "kubernetes forwarding rules" -m mark --mark ${mark} -j ACCEPT`,
        '-m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      ],
    ],
    [
      // Node ports on the loopback address need route_localnet, which would open it to the neighbours without this.
      'filter/KUBE-FIREWALL',
      [
        `-m comment --comment "block incoming localnet connections" -d ${loopback} ! -s ${loopback} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`,
      ],
    ],
    // With a rule in it, so that a flush shows which leaves the chains.
    ...canaryTables.map((table): [string, string[]] => [`${table}/${canaryChain}`, ['-j RETURN']]),
  ])
}

/** The end of KUBE-SERVICES: node ports, after everything that names an address. */
export function nodePortJumps(addresses: NodePortAddresses): string[] {
  const comment = '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
  if (addresses === 'all') return [`${comment} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`]
  return addresses.map((address) => `${comment} -d ${address} -j KUBE-NODEPORTS`)
}
