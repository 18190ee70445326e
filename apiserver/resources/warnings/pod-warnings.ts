/** Warnings about pods and templates of pods, in upstream's words: things that work and are likely mistakes. */
import type { ObjectMeta, Pod, PodAffinity, PodAffinityTerm, PodSpec, PodTemplateSpec } from '../../../api/generated/types.ts'
import { isDNS1123Label } from '../../../api/names.ts'
import { nodeSelectorWarnings, oldKeyWarnings, oldLabelWarning } from './node-label-warnings.ts'
import { sameJson } from '../rules/same-json.ts'
import { sourceWarnings } from './volume-warnings.ts'

export function podWarnings(pod: Pod, old?: Pod): string[] {
  // An update repeats what the author has been told already.
  if (old) return []
  return [
    ...nameWarnings("this is used in the Pod's hostname", pod.metadata),
    ...podSpecWarnings('spec', pod.spec),
    ...annotationWarnings('metadata', pod.metadata),
  ]
}

/** Of anything with a template: once for each new template. */
export function templateWarnings(
  owner: { metadata: ObjectMeta },
  path: string,
  template: PodTemplateSpec | undefined,
  oldTemplate?: PodTemplateSpec,
): string[] {
  const warnings = oldTemplate ? [] : nameWarnings('this is used in Pod names and hostnames', owner.metadata)
  if (!template?.spec || (oldTemplate && sameJson(template, oldTemplate))) return warnings
  return [
    ...warnings,
    ...podSpecWarnings(`${path}.spec`, template.spec),
    ...annotationWarnings(`${path}.metadata`, template.metadata ?? {}),
  ]
}

function nameWarnings(use: string, { name }: ObjectMeta): string[] {
  const complaints = name ? isDNS1123Label(name) : []
  if (complaints.length === 0) return []
  return [`metadata.name: ${use}, which can result in surprising behavior; a DNS label is recommended: [${complaints.join(' ')}]`]
}

function podSpecWarnings(path: string, spec: PodSpec): string[] {
  const { affinity, topologySpreadConstraints, nodeSelector } = spec
  // Most pods leave their place to the scheduler, and then no path needs to be put together.
  const isPlaced = affinity || topologySpreadConstraints || nodeSelector
  const warnings = [...(isPlaced ? placementWarnings(path, spec) : []), ...volumeWarnings(path, spec)]
  const lists = [
    ['initContainers', spec.initContainers],
    ['containers', spec.containers],
  ] as const
  for (const [list, containers] of lists) {
    containers?.forEach((container, i) => {
      const at = `${path}.${list}[${i}]`
      duplicateEnvWarnings(warnings, at, container.env)
      for (const kind of ['limits', 'requests'] as const) {
        const memory = container.resources?.[kind]?.memory
        if (memory?.endsWith('m')) warnings.push(fractional(`${at}.resources.${kind}[memory]`, memory))
        const storage = container.resources?.[kind]?.['ephemeral-storage']
        if (storage?.endsWith('m')) warnings.push(fractional(`${at}.resources.${kind}[ephemeral-storage]`, storage))
      }
      const seen = new Map<string, number>()
      container.ports?.forEach(({ containerPort, protocol }, j) => {
        const twin = seen.get(`${containerPort}/${protocol}`)
        if (twin === undefined) seen.set(`${containerPort}/${protocol}`, j)
        else warnings.push(`${at}.ports[${j}]: duplicate port definition with ${at}.ports[${twin}]`)
      })
    })
  }
  if (spec.terminationGracePeriodSeconds !== undefined && spec.terminationGracePeriodSeconds < 0) {
    warnings.push(`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`)
  }
  spec.imagePullSecrets?.forEach(({ name }, i) => {
    if (!name) warnings.push(`${path}.imagePullSecrets[${i}].name: invalid empty name ""`)
  })
  return warnings
}

const fractional = (path: string, value: string) =>
  `${path}: fractional byte value ${JSON.stringify(value)} is invalid, must be an integer`

function volumeWarnings(path: string, { volumes }: PodSpec): string[] {
  return (volumes ?? []).flatMap((volume, i) => {
    const at = `${path}.volumes[${i}]`
    const gitRepo = volume.gitRepo ? [`${at}.gitRepo: deprecated in v1.11, and disabled by default in v1.33+`] : []
    return [...gitRepo, ...sourceWarnings(at, volume)]
  })
}

const NO_SELECTOR = 'a null labelSelector results in matching no pod'

function placementWarnings(path: string, { affinity, topologySpreadConstraints, nodeSelector }: PodSpec): string[] {
  const nodes = affinity?.nodeAffinity
  const required = nodes?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const at = `${path}.affinity.nodeAffinity`
  return [
    ...oldKeyWarnings(`${path}.nodeSelector`, nodeSelector),
    ...nodeSelectorWarnings(`${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`, required),
    ...(nodes?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ preference }, i) =>
      (preference.matchExpressions ?? []).flatMap(({ key }, j) =>
        oldLabelWarning(`${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference.matchExpressions[${j}].key`, key),
      ),
    ),
    ...(topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, i) => {
      const constraint = `${path}.topologySpreadConstraints[${i}]`
      const none = labelSelector ? [] : [`${constraint}.labelSelector: ${NO_SELECTOR}`]
      return [...oldLabelWarning(`${constraint}.topologyKey`, topologyKey), ...none]
    }),
    ...(['podAffinity', 'podAntiAffinity'] as const).flatMap((kind) =>
      podTermWarnings(`${path}.affinity.${kind}`, affinity?.[kind]),
    ),
  ]
}

function podTermWarnings(path: string, affinity: PodAffinity | undefined): string[] {
  const warn = (at: string, { labelSelector }: PodAffinityTerm) => (labelSelector ? [] : [`${at}.labelSelector: ${NO_SELECTOR}`])
  return [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, i) =>
      warn(`${path}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`, term),
    ),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ podAffinityTerm }, i) =>
      warn(`${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm`, podAffinityTerm),
    ),
  ]
}

const OLD_ANNOTATIONS = [
  {
    pattern: /^seccomp\.security\.alpha\.kubernetes\.io\/pod$/,
    why: 'non-functional in v1.27+; use the "seccompProfile" field instead',
  },
  {
    pattern: /^container\.seccomp\.security\.alpha\.kubernetes\.io\//,
    why: 'non-functional in v1.27+; use the "seccompProfile" field instead',
  },
  {
    pattern: /^container\.apparmor\.security\.beta\.kubernetes\.io\//,
    why: 'deprecated since v1.30; use the "appArmorProfile" field instead',
  },
]

const annotationWarnings = (path: string, { annotations }: Pick<ObjectMeta, 'annotations'>): string[] =>
  Object.keys(annotations ?? {}).flatMap((key) => {
    const why = OLD_ANNOTATIONS.find(({ pattern }) => pattern.test(key))?.why
    return why === undefined ? [] : [`${path}.annotations[${key}]: ${why}`]
  })

function duplicateEnvWarnings(
  warnings: string[],
  path: string,
  env: readonly { name: string; value?: string | undefined }[] | undefined,
): void {
  const first = new Map<string, number>()
  env?.forEach(({ name, value }, i) => {
    const earlier = first.get(name)
    if (earlier === undefined) {
      first.set(name, i)
      return
    }
    // `PATH=$(PATH):/more` builds on the earlier value: no mistake.
    if (value?.includes(`$(${name})`)) return
    warnings.push(`${path}.env[${i}]: hides previous definition of "${name}", which may be unexpected`)
  })
}
