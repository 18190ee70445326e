/** The restricted level: what a hardened pod does without, on top of the baseline. */
import type { Container, Volume } from '../../../api/generated/types.ts'
import { forbiddenSeccomp, isAllowedSeccomp, unmaskedProc } from './baseline-checks.ts'
import { hasUserNamespace, isWindows, named, namesOf, plural, quoted, setters, sorted, type Check } from './check.ts'

const VOLUME_TYPES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const

const allowPrivilegeEscalation: Check['judge'] = (candidate, minor) => {
  if (minor >= 25 && isWindows(candidate)) return null
  const bad = candidate.containers.filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (bad.length === 0) return null
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${named('container', namesOf(bad))} must set securityContext.allowPrivilegeEscalation=false`,
  }
}

const capabilities: Check['judge'] = (candidate, minor) => {
  if (minor >= 25 && isWindows(candidate)) return null
  const of = ({ securityContext }: Container) => securityContext?.capabilities
  const added = (container: Container) => (of(container)?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE')
  const keeping = candidate.containers.filter((container) => !of(container)?.drop?.includes('ALL'))
  const adding = candidate.containers.filter((container) => added(container).length > 0)
  if (keeping.length === 0 && adding.length === 0) return null
  const details = [
    ...(keeping.length > 0 ? [`${named('container', namesOf(keeping))} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [
          `${named('container', namesOf(adding))} must not include ${quoted(sorted(adding.flatMap(added)))} in securityContext.capabilities.add`,
        ]
      : []),
  ]
  return { reason: 'unrestricted capabilities', detail: details.join('; ') }
}

const restrictedVolumes: Check['judge'] = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => !VOLUME_TYPES.some((type) => volume[type] !== undefined))
  if (bad.length === 0) return null
  const types = sorted(bad.map(typeOf))
  const verb = plural('uses', bad.length, 'use')
  const names = bad.map(({ name }) => name)
  return {
    reason: 'restricted volume types',
    detail: `${named('volume', names)} ${verb} ${plural('restricted volume type', types.length)} ${quoted(types)}`,
  }
}

/** A volume has its name and one member more: its type. */
const typeOf = (volume: Volume): string =>
  Object.entries(volume).find(([key, value]) => key !== 'name' && value !== undefined)?.[0] ?? 'unknown'

const runAsNonRoot: Check['judge'] = (candidate, minor) => {
  if (minor >= 35 && hasUserNamespace(candidate)) return null
  const { spec, containers } = candidate
  const ofPod = spec.securityContext?.runAsNonRoot
  const explicit = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false)
  const reason = 'runAsNonRoot != true'
  if (ofPod === false || explicit.length > 0) {
    return { reason, detail: `${setters(ofPod === false, explicit)} must not set securityContext.runAsNonRoot=false` }
  }
  const implicit = ofPod ? [] : containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined)
  if (implicit.length === 0) return null
  return { reason, detail: `pod or ${named('container', namesOf(implicit))} must set securityContext.runAsNonRoot=true` }
}

const runAsUser: Check['judge'] = (candidate, minor) => {
  if (minor >= 35 && hasUserNamespace(candidate)) return null
  const ofPod = candidate.spec.securityContext?.runAsUser === 0
  const bad = candidate.containers.filter(({ securityContext }) => securityContext?.runAsUser === 0)
  if (!ofPod && bad.length === 0) return null
  return { reason: 'runAsUser=0', detail: `${setters(ofPod, bad)} must not set runAsUser=0` }
}

const seccompProfile: Check['judge'] = (candidate, minor) => {
  if (minor >= 25 && isWindows(candidate)) return null
  const forbidden = forbiddenSeccomp(candidate)
  if (forbidden) return forbidden
  if (isAllowedSeccomp(candidate.spec.securityContext?.seccompProfile)) return null
  const bad = candidate.containers.filter(({ securityContext }) => securityContext?.seccompProfile === undefined)
  if (bad.length === 0) return null
  return {
    reason: 'seccompProfile',
    detail: `pod or ${named('container', namesOf(bad))} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  }
}

export const RESTRICTED_CHECKS: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', since: 8, judge: allowPrivilegeEscalation },
  { id: 'capabilities_restricted', since: 22, overrides: 'capabilities_baseline', judge: capabilities },
  { id: 'procMount_restricted', since: 35, overrides: 'procMount', judge: unmaskedProc },
  { id: 'restrictedVolumes', since: 0, overrides: 'hostPathVolumes', judge: restrictedVolumes },
  { id: 'runAsNonRoot', since: 0, judge: runAsNonRoot },
  { id: 'runAsUser', since: 23, judge: runAsUser },
  { id: 'seccompProfile_restricted', since: 19, overrides: 'seccompProfile_baseline', judge: seccompProfile },
]
