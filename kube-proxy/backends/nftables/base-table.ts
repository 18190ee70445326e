/** What is in the table before any service is: the chains at the kernel's hooks, the maps that they look in, and the marks. Pure. */
import type { NodePortAddresses } from '../../local-addresses.ts'
import type { Family } from '../../service-ports.ts'
import { addChain, type Things } from './things.ts'

export const TABLE = 'kube-proxy'

/** The kernel's word for the family, as in `ip daddr` and `table ip`. */
export const wordOf = (family: Family): 'ip' | 'ip6' => (family === 'IPv6' ? 'ip6' : 'ip')

/** The bit that asks for masquerading at the end, as with iptables. */
const mark = '0x4000'

/** Chains that the kernel enters by itself. Those before a translation see where the client wanted to go. */
export const HOOKS: ReadonlyMap<string, string> = new Map([
  ['nat-prerouting', 'type nat hook prerouting priority -100 ;'],
  ['nat-output', 'type nat hook output priority -100 ;'],
  ['nat-postrouting', 'type nat hook postrouting priority 100 ;'],
  ['filter-prerouting', 'type filter hook prerouting priority -110 ;'],
  ['filter-input', 'type filter hook input priority -110 ;'],
  ['filter-forward', 'type filter hook forward priority -110 ;'],
  ['filter-output', 'type filter hook output priority -110 ;'],
  ['filter-output-translated', 'type filter hook output priority -90 ;'],
])

/** Sets and maps that all services share. */
export function sharedSets(family: Family): ReadonlyMap<string, string> {
  const address = `${family === 'IPv6' ? 'ipv6' : 'ipv4'}_addr`
  const byAddress = `type ${address} . inet_proto . inet_service : verdict ;`
  const byPort = 'type inet_proto . inet_service : verdict ;'
  return new Map([
    ['service-ips', byAddress],
    ['service-nodeports', byPort],
    ['no-endpoint-services', byAddress],
    ['no-endpoint-nodeports', byPort],
    ['firewall-ips', byAddress],
    ['cluster-ips', `type ${address} ;`],
    ['hairpin-connections', `type ${address} . ${address} ;`],
  ])
}

export function baseThings(family: Family, nodePortAddresses: NodePortAddresses): Things {
  const ip = wordOf(family)
  const target = `${ip} daddr . meta l4proto . th dport`
  const local = nodePortAddresses === 'all' ? 'fib daddr type local' : `${ip} daddr { ${nodePortAddresses.join(', ')} }`
  // A set of none is no set to the kernel's program.
  const toNodePorts = (map: string) => (nodePortAddresses.length === 0 ? [] : [`${local} meta l4proto . th dport vmap @${map}`])
  const loopback = family === 'IPv6' ? '::1' : '127.0.0.0/8'
  const chains: Record<string, readonly string[]> = {
    'nat-prerouting': ['jump services'],
    'nat-output': ['jump services'],
    'nat-postrouting': ['jump masquerading'],
    'filter-prerouting': ['ct state new jump firewall'],
    'filter-output': ['ct state new jump firewall'],
    'filter-forward': ['ct state invalid drop', 'ct state new jump refused'],
    'filter-output-translated': ['ct state new jump refused'],
    'filter-input': [
      'ct state new jump refused',
      // Node ports on the loopback address need route_localnet, which would open it to the neighbours without this.
      `${ip} daddr ${loopback} ${ip} saddr != ${loopback} ct state new,invalid ct status & dnat == 0 drop`,
    ],
    services: [`${target} vmap @service-ips`, ...toNodePorts('service-nodeports')],
    firewall: [`${target} vmap @firewall-ips`],
    refused: [
      `${target} vmap @no-endpoint-services`,
      ...toNodePorts('no-endpoint-nodeports'),
      // A port that the service does not have.
      `${ip} daddr @cluster-ips goto rejecting`,
    ],
    rejecting: ['reject'],
    'mark-for-masquerade': [`meta mark set meta mark | ${mark}`],
    masquerading: [
      // A pod that reaches itself through its service must not see its own address as the client's.
      `${ip} saddr . ${ip} daddr @hairpin-connections masquerade fully-random`,
      `meta mark & ${mark} == 0 return`,
      // Taken off again, so that a packet which passes here twice is masqueraded once.
      `meta mark set meta mark ^ ${mark}`,
      'masquerade fully-random',
    ],
  }
  const things: Things = new Map()
  for (const [chain, rules] of Object.entries(chains)) addChain(things, chain, rules)
  return things
}
