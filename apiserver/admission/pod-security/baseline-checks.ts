/** The baseline level: what would let a pod out of its container. */
import type { Container, LifecycleHandler, Probe, SeccompProfile, SELinuxOptions } from '../../../api/generated/types.ts'
import {
  hasUserNamespace,
  named,
  namesOf,
  plural,
  quoted,
  setters,
  sorted,
  type Candidate,
  type Check,
  type Violation,
} from './check.ts'

const CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' '),
)

/** Sysctls that only concern the pod itself, by the version that first allowed them. */
const SYSCTLS: [since: number, names: string[]][] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.ip_unprivileged_port_start',
      'net.ipv4.ping_group_range',
      'net.ipv4.tcp_syncookies',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    ['net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_keepalive_time'],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
]

const appArmorProfile: Check['judge'] = ({ annotations, spec, containers }) => {
  const isBad = (type: string | undefined) => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost'
  const podType = spec.securityContext?.appArmorProfile?.type
  const bad = containers.filter(({ securityContext }) => isBad(securityContext?.appArmorProfile?.type))
  const badAnnotations = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith('container.apparmor.security.beta.kubernetes.io/') && !isAllowedAppArmor(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort()
  const types = sorted([
    ...(isBad(podType) ? [podType!] : []),
    ...bad.map(({ securityContext }) => securityContext!.appArmorProfile!.type),
  ])
  const who = [setters(isBad(podType), bad), badAnnotations.length > 0 ? plural('annotation', badAnnotations.length) : ''].filter(
    (text) => text !== '',
  )
  if (who.length === 0) return null
  const values = [...types, ...badAnnotations]
  return {
    reason: plural('forbidden AppArmor profile', values.length),
    detail: `${who.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  }
}

const isAllowedAppArmor = (profile: string): boolean =>
  profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/')

const capabilities: Check['judge'] = ({ containers }) => {
  const added = (container: Container) =>
    (container.securityContext?.capabilities?.add ?? []).filter((name) => !CAPABILITIES.has(name))
  const bad = containers.filter((container) => added(container).length > 0)
  if (bad.length === 0) return null
  const values = quoted(sorted(bad.flatMap(added)))
  return {
    reason: 'non-default capabilities',
    detail: `${named('container', namesOf(bad))} must not include ${values} in securityContext.capabilities.add`,
  }
}

const hostNamespaces: Check['judge'] = ({ spec }) => {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name])
  return used.length > 0 ? { reason: 'host namespaces', detail: used.map((name) => `${name}=true`).join(', ') } : null
}

const hostPathVolumes: Check['judge'] = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name)
  return bad.length > 0 ? { reason: 'hostPath volumes', detail: named('volume', bad) } : null
}

const hostPorts: Check['judge'] = ({ containers }) => {
  const portsOf = ({ ports }: Container) => (ports ?? []).flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []))
  const bad = containers.filter((container) => portsOf(container).length > 0)
  if (bad.length === 0) return null
  const ports = sorted(bad.flatMap(portsOf))
  const verb = plural('uses', bad.length, 'use')
  return {
    reason: 'hostPort',
    detail: `${named('container', namesOf(bad))} ${verb} ${plural('hostPort', ports.length)} ${ports.join(', ')}`,
  }
}

const hostProbes: Check['judge'] = ({ containers }) => {
  const hostsIn = (handler: Probe | LifecycleHandler | undefined) =>
    [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host): host is string => Boolean(host))
  const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsIn)
  const bad = containers.filter((container) => hostsOf(container).length > 0)
  if (bad.length === 0) return null
  const hosts = sorted(bad.flatMap(hostsOf))
  const verb = plural('uses', bad.length, 'use')
  return {
    reason: 'probe or lifecycle host',
    detail: `${named('container', sorted(namesOf(bad)))} ${verb} ${named('probe or lifecycle host', hosts)}`,
  }
}

const privileged: Check['judge'] = ({ containers }) => {
  const bad = containers.filter(({ securityContext }) => securityContext?.privileged)
  if (bad.length === 0) return null
  return { reason: 'privileged', detail: `${named('container', namesOf(bad))} must not set securityContext.privileged=true` }
}

export function unmaskedProc({ containers }: Candidate): Violation | null {
  const typeOf = ({ securityContext }: Container) => securityContext?.procMount ?? 'Default'
  const bad = containers.filter((container) => typeOf(container) !== 'Default')
  if (bad.length === 0) return null
  const types = quoted(sorted(bad.map(typeOf)))
  return { reason: 'procMount', detail: `${named('container', namesOf(bad))} must not set securityContext.procMount to ${types}` }
}

const seLinuxOptions: Check['judge'] = ({ spec, containers }, minor) => {
  const types = new Set([
    '',
    'container_t',
    'container_init_t',
    'container_kvm_t',
    ...(minor >= 31 ? ['container_engine_t'] : []),
  ])
  const isBad = (options: SELinuxOptions | undefined): options is SELinuxOptions =>
    options !== undefined && Boolean(!types.has(options.type ?? '') || options.user || options.role)
  const ofPod = spec.securityContext?.seLinuxOptions
  const bad = containers.filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions))
  const all = [ofPod, ...bad.map(({ securityContext }) => securityContext?.seLinuxOptions)].filter(isBad)
  if (all.length === 0) return null
  const badTypes = sorted(all.map(({ type }) => type ?? '').filter((type) => !types.has(type)))
  const complaints = [
    ...(badTypes.length > 0 ? [named('type', badTypes)] : []),
    ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
    ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
  ]
  return {
    reason: 'seLinuxOptions',
    detail: `${setters(isBad(ofPod), bad)} set forbidden securityContext.seLinuxOptions: ${complaints.join('; ')}`,
  }
}

export const isAllowedSeccomp = (profile: SeccompProfile | undefined): boolean =>
  profile?.type === 'RuntimeDefault' || profile?.type === 'Localhost'

/** Profiles that are set, and set to something that is not allowed. */
export function forbiddenSeccomp({ spec, containers }: Candidate): Violation | null {
  const isBad = (profile: SeccompProfile | undefined): profile is SeccompProfile =>
    profile !== undefined && !isAllowedSeccomp(profile)
  const ofPod = spec.securityContext?.seccompProfile
  const bad = containers.filter(({ securityContext }) => isBad(securityContext?.seccompProfile))
  const all = [ofPod, ...bad.map(({ securityContext }) => securityContext?.seccompProfile)].filter(isBad)
  if (all.length === 0) return null
  const types = quoted(sorted(all.map(({ type }) => type)))
  return {
    reason: 'seccompProfile',
    detail: `${setters(isBad(ofPod), bad)} must not set securityContext.seccompProfile.type to ${types}`,
  }
}

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod'
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/'

/** Before 1.19 profiles were annotations. */
function forbiddenSeccompAnnotations({ annotations, containers }: Candidate): Violation | null {
  const isAllowed = (value: string) => value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/')
  const keys = [SECCOMP_POD, ...containers.map(({ name }) => `${SECCOMP_CONTAINER}${name}`)]
  const bad = keys.filter((key) => annotations[key] !== undefined && !isAllowed(annotations[key]))
  if (bad.length === 0) return null
  const listed = sorted(bad.map((key) => `${key}=${JSON.stringify(annotations[key])}`))
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', listed.length)} ${listed.join(', ')}` }
}

const sysctls: Check['judge'] = ({ spec }, minor) => {
  const allowed = new Set(SYSCTLS.filter(([since]) => since <= minor).flatMap(([, names]) => names))
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.has(name))
  return bad.length > 0 ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : null
}

const windowsHostProcess: Check['judge'] = ({ spec, containers }) => {
  const ofPod = Boolean(spec.securityContext?.windowsOptions?.hostProcess)
  const bad = containers.filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess)
  if (!ofPod && bad.length === 0) return null
  return { reason: 'hostProcess', detail: `${setters(ofPod, bad)} must not set securityContext.windowsOptions.hostProcess=true` }
}

export const BASELINE_CHECKS: readonly Check[] = [
  { id: 'appArmorProfile', since: 0, judge: appArmorProfile },
  { id: 'capabilities_baseline', since: 0, judge: capabilities },
  { id: 'hostNamespaces', since: 0, judge: hostNamespaces },
  { id: 'hostPathVolumes', since: 0, judge: hostPathVolumes },
  { id: 'hostPorts', since: 0, judge: hostPorts },
  { id: 'hostProbesAndHostLifecycle', since: 34, judge: hostProbes },
  { id: 'privileged', since: 0, judge: privileged },
  {
    id: 'procMount',
    since: 0,
    judge: (candidate, minor) => (minor >= 35 && hasUserNamespace(candidate) ? null : unmaskedProc(candidate)),
  },
  { id: 'seLinuxOptions', since: 0, judge: seLinuxOptions },
  {
    id: 'seccompProfile_baseline',
    since: 0,
    judge: (candidate, minor) => (minor < 19 ? forbiddenSeccompAnnotations(candidate) : forbiddenSeccomp(candidate)),
  },
  { id: 'sysctls', since: 0, judge: sysctls },
  { id: 'windowsHostProcess', since: 0, judge: windowsHostProcess },
]
