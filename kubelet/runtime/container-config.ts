/** Pure: the CRI description of a container, from its spec and what was made ready for it. */
import type { AppArmorProfile, Container, Pod, SecurityContext } from '../../api/generated/types.ts'
import { expand } from '../expand.ts'
import type { ContainerConfig, LinuxContainerResources, LinuxContainerSecurityContext, Mount } from './cri-types.ts'
import { containerAnnotations, containerLabels } from './labels.ts'
import { podGroups, toNamespaces, toSeccomp } from './sandbox-config.ts'

export interface ContainerSettings {
  attempt: number
  imageRef: string
  env: ReadonlyMap<string, string>
  mounts: Mount[]
  devices: ContainerConfig['devices']
  resources: LinuxContainerResources
  /** Of the image: what it runs as when the pod does not say. */
  imageUser: { uid?: number | undefined; name?: string | undefined }
  /** An ephemeral container may join another one's processes. */
  targetContainerId?: string | undefined
}

/** The container's spec asks for something that its image or the pod contradicts. */
export class ContainerConfigError extends Error {
  override name = 'ContainerConfigError'
}

const defaultMasked = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
const defaultReadonly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export function toContainerConfig(pod: Pod, container: Container, settings: ContainerSettings): ContainerConfig {
  const expandEnv = (text: string) => expand(text, (name) => settings.env.get(name))
  return {
    metadata: { name: container.name, attempt: settings.attempt },
    image: { image: settings.imageRef },
    command: (container.command ?? []).map(expandEnv),
    args: (container.args ?? []).map(expandEnv),
    workingDir: container.workingDir ?? '',
    envs: [...settings.env].map(([key, value]) => ({ key, value })),
    mounts: settings.mounts,
    devices: settings.devices,
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, settings.attempt),
    logPath: `${container.name}/${settings.attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: { resources: settings.resources, securityContext: toSecurityContext(pod, container, settings) },
  }
}

function toSecurityContext(
  pod: Pod,
  container: Container,
  { imageUser, targetContainerId }: ContainerSettings,
): LinuxContainerSecurityContext {
  const podSecurity = pod.spec.securityContext ?? {}
  const own: SecurityContext = container.securityContext ?? {}
  const user = own.runAsUser ?? podSecurity.runAsUser
  const group = own.runAsGroup ?? podSecurity.runAsGroup
  if (own.runAsNonRoot ?? podSecurity.runAsNonRoot) refuseRoot(pod, container, user, imageUser)
  const privileged = own.privileged ?? false
  const unmasked = own.procMount === 'Unmasked' || privileged
  return {
    capabilities: { addCapabilities: own.capabilities?.add ?? [], dropCapabilities: own.capabilities?.drop ?? [] },
    privileged,
    namespaceOptions: targetContainerId
      ? { ...toNamespaces(pod), pid: 'TARGET', targetId: targetContainerId }
      : toNamespaces(pod),
    ...runAs(user, imageUser),
    // CRI takes a group only beside a user.
    ...(group === undefined ? {} : { runAsGroup: { value: group } }),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    supplementalGroups: podGroups(pod),
    noNewPrivs: own.allowPrivilegeEscalation === false && !privileged,
    maskedPaths: unmasked ? [] : defaultMasked,
    readonlyPaths: unmasked ? [] : defaultReadonly,
    ...toAppArmor(own.appArmorProfile ?? podSecurity.appArmorProfile, privileged),
    seccomp: privileged ? { profileType: 'Unconfined' } : toSeccomp(own.seccompProfile ?? podSecurity.seccompProfile),
  }
}

/** Nothing is said unless the pod says something: the runtime knows what its host can enforce. */
function toAppArmor(profile: AppArmorProfile | undefined, privileged: boolean): Pick<LinuxContainerSecurityContext, 'apparmor'> {
  if (!profile || privileged) return {}
  if (profile.type === 'Localhost')
    return { apparmor: { profileType: 'Localhost', localhostRef: profile.localhostProfile ?? '' } }
  return { apparmor: { profileType: profile.type === 'Unconfined' ? 'Unconfined' : 'RuntimeDefault' } }
}

function runAs(
  user: number | undefined,
  image: ContainerSettings['imageUser'],
): Pick<LinuxContainerSecurityContext, 'runAsUser' | 'runAsUsername'> {
  if (user !== undefined) return { runAsUser: { value: user } }
  if (image.uid !== undefined) return { runAsUser: { value: image.uid } }
  // An image that names no user runs as root.
  return image.name ? { runAsUsername: image.name } : { runAsUser: { value: 0 } }
}

function refuseRoot(pod: Pod, container: Container, user: number | undefined, image: ContainerSettings['imageUser']): void {
  const about = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`
  if (user === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${about}`)
  if (user !== undefined) return
  if (image.name)
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.name}), cannot verify user is non-root ${about}`,
    )
  if (!image.uid) throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${about}`)
}
