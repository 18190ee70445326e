/** Pure: what a pod may ask of this node's kernel; asked for more, the node refuses the pod. */
import type { AppArmorProfile, Pod } from '../../api/generated/types.ts'
import type { Verdict } from '../pods/pod-facts.ts'
import { containersOf } from '../pods/pod-spec.ts'

export interface NodePolicy {
  /** Patterns as `kernel.msg*`, beside the safe ones. */
  allowedSysctls: readonly string[]
  appArmor: boolean
}

/** Each is a namespace's own and harms no other pod. */
const safeSysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]

export function judgePolicy(pod: Pod, { allowedSysctls, appArmor }: NodePolicy): Verdict | undefined {
  const forbidden = (pod.spec.securityContext?.sysctls ?? []).find(
    ({ name }) =>
      !safeSysctls.includes(dotted(name)) && !allowedSysctls.some((pattern) => matches(dotted(pattern), dotted(name))),
  )
  if (forbidden) return refuse('SysctlForbidden', `forbidden sysctl: ${JSON.stringify(forbidden.name)} not allowlisted`)
  // containerd 1.6 would give the groups that the image names anyway.
  if (pod.spec.securityContext?.supplementalGroupsPolicy === 'Strict')
    return refuse('SupplementalGroupsPolicyNotSupported', 'SupplementalGroupsPolicy=Strict is not supported in this node')
  if (!appArmor && appArmorProfiles(pod).some(({ type }) => type !== 'Unconfined'))
    return refuse('AppArmor', 'Cannot enforce AppArmor: AppArmor is not enabled on the host')
  return undefined
}

const refuse = (reason: string, message: string): Verdict => ({ phase: 'Failed', reason, message })

/** `net/ipv4/ip_forward` is another spelling of the same. */
const dotted = (name: string): string => name.replaceAll('/', '.')

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name

function appArmorProfiles(pod: Pod): AppArmorProfile[] {
  const own = containersOf(pod).map(({ securityContext }) => securityContext?.appArmorProfile)
  return [pod.spec.securityContext?.appArmorProfile, ...own].filter(
    (profile): profile is AppArmorProfile => profile !== undefined,
  )
}
