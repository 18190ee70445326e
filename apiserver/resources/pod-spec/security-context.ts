/** The rules of security contexts, of the pod and of each container. */
import { duplicate, invalid, notSupported, required } from '../../../api/field-error.ts'
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '../../../api/generated/types.ts'
import { isValidGroupId, isValidUserId } from '../../../api/names.ts'
import { check, checkSupported, type Errors } from '../rules/field-rules.ts'
import { validateDescendingPath } from './volumes.ts'

const SYSCTL = '([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const SYSCTL_PATTERN = new RegExp(`^${SYSCTL}$`)
const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined']

export function validatePodSecurityContext(errors: Errors, path: string, spec: PodSpec): void {
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.push(invalid(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  }
  const context = spec.securityContext
  if (!context) return
  checkIds(errors, path, context)
  if (context.fsGroup !== undefined) check(errors, `${path}.fsGroup`, context.fsGroup, isValidGroupId(context.fsGroup))
  context.supplementalGroups?.forEach((id, i) => check(errors, `${path}.supplementalGroups[${i}]`, id, isValidGroupId(id)))
  if (context.sysctls) validateSysctls(errors, `${path}.sysctls`, context.sysctls, spec)
  checkSupported(errors, `${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'])
  checkSupported(errors, `${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict'])
  checkSupported(errors, `${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive'])
  if (context.seccompProfile) validateSeccomp(errors, `${path}.seccompProfile`, context.seccompProfile)
  if (context.appArmorProfile) validateAppArmor(errors, `${path}.appArmorProfile`, context.appArmorProfile)
}

export function validateSecurityContext(errors: Errors, path: string, context: SecurityContext, spec: PodSpec): void {
  checkIds(errors, path, context)
  checkSupported(errors, `${path}.procMount`, context.procMount, ['Default', 'Unmasked'])
  if (context.procMount === 'Unmasked' && spec.hostUsers !== false) {
    errors.push(invalid(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) {
      errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'))
    }
    if (context.capabilities?.add?.some((capability) => capability === 'CAP_SYS_ADMIN')) {
      errors.push(invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'))
    }
  }
  if (context.seccompProfile) validateSeccomp(errors, `${path}.seccompProfile`, context.seccompProfile)
  if (context.appArmorProfile) validateAppArmor(errors, `${path}.appArmorProfile`, context.appArmorProfile)
}

type Ids = { runAsUser?: number | undefined; runAsGroup?: number | undefined }

function checkIds(errors: Errors, path: string, { runAsUser, runAsGroup }: Ids): void {
  if (runAsUser !== undefined) check(errors, `${path}.runAsUser`, runAsUser, isValidUserId(runAsUser))
  if (runAsGroup !== undefined) check(errors, `${path}.runAsGroup`, runAsGroup, isValidGroupId(runAsGroup))
}

function validateSysctls(errors: Errors, path: string, sysctls: readonly { name: string }[], spec: PodSpec): void {
  const names = new Set<string>()
  sysctls.forEach(({ name }, i) => {
    const at = `${path}[${i}].name`
    if (!name) errors.push(required(at))
    else if (name.length > 253 || !SYSCTL_PATTERN.test(name)) {
      errors.push(invalid(at, name, `must have at most 253 characters and match regex ${SYSCTL}`))
    } else if (names.has(name)) errors.push(duplicate(at, name))
    names.add(name)
    const dotted = name.replaceAll('/', '.')
    if (spec.hostNetwork && dotted.startsWith('net.'))
      errors.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"))
    if (spec.hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(dotted)) {
      errors.push(invalid(at, name, "may not be specified when 'hostIPC' is true"))
    }
  })
}

function validateSeccomp(errors: Errors, path: string, profile: SeccompProfile): void {
  if (!profile.type) errors.push(required(`${path}.type`, 'type is required when seccompProfile is set'))
  else if (!PROFILES.includes(profile.type)) errors.push(notSupported(`${path}.type`, profile.type, PROFILES))
  const { localhostProfile } = profile
  if (profile.type === 'Localhost') {
    if (localhostProfile === undefined) {
      errors.push(required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost'))
    } else validateDescendingPath(errors, `${path}.localhostProfile`, localhostProfile)
  } else if (localhostProfile !== undefined) {
    errors.push(invalid(`${path}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost'))
  }
}

function validateAppArmor(errors: Errors, path: string, { type, localhostProfile }: AppArmorProfile): void {
  if (!type) errors.push(required(`${path}.type`, 'type is required when appArmorProfile is set'))
  else if (!PROFILES.includes(type)) errors.push(notSupported(`${path}.type`, type, PROFILES))
  if (type === 'Localhost' && !localhostProfile?.trim()) {
    errors.push(required(`${path}.localhostProfile`, 'must be set when AppArmor type is Localhost'))
  } else if (type !== 'Localhost' && localhostProfile !== undefined) {
    errors.push(invalid(`${path}.localhostProfile`, localhostProfile, 'can only be set when AppArmor type is Localhost'))
  } else if (localhostProfile && localhostProfile.trim() !== localhostProfile) {
    errors.push(invalid(`${path}.localhostProfile`, localhostProfile, 'must not be padded with whitespace'))
  }
}
