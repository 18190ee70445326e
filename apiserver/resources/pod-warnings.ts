/** Warnings about pods and templates of pods, in upstream's words: things that work and are likely mistakes. */
import type { ObjectMeta, Pod, PodSpec, PodTemplateSpec } from '../../api/generated/types.ts'
import { isDNS1123Label } from '../../api/names.ts'
import { sameJson } from './same-json.ts'

export function podWarnings(pod: Pod, old?: Pod): string[] {
  // An update repeats what the author has been told already.
  if (old) return []
  return [...nameWarnings("this is used in the Pod's hostname", pod.metadata), ...podSpecWarnings('spec', pod.spec)]
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
  return [...warnings, ...podSpecWarnings(`${path}.spec`, template.spec)]
}

function nameWarnings(use: string, { name }: ObjectMeta): string[] {
  const complaints = name ? isDNS1123Label(name) : []
  if (complaints.length === 0) return []
  return [`metadata.name: ${use}, which can result in surprising behavior; a DNS label is recommended: [${complaints.join(' ')}]`]
}

export function podSpecWarnings(path: string, spec: PodSpec): string[] {
  const warnings: string[] = []
  nodeLabelWarnings(warnings, path, spec)
  volumeWarnings(warnings, path, spec)
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
      container.ports?.forEach((port, j) => {
        const twin = container.ports!.findIndex(
          (other) => other.containerPort === port.containerPort && other.protocol === port.protocol,
        )
        if (twin < j) warnings.push(`${at}.ports[${j}]: duplicate port definition with ${at}.ports[${twin}]`)
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

const OLD_NODE_LABELS: Record<string, string> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}

function nodeLabelWarnings(warnings: string[], path: string, { nodeSelector }: PodSpec): void {
  for (const label in nodeSelector) {
    const why = OLD_NODE_LABELS[label]
    if (why) warnings.push(`${path}.nodeSelector[${label}]: ${why}`)
  }
}

function volumeWarnings(warnings: string[], path: string, { volumes }: PodSpec): void {
  volumes?.forEach((volume, i) => {
    const at = `${path}.volumes[${i}]`
    if (volume.gitRepo) warnings.push(`${at}.gitRepo: deprecated in v1.11, and disabled by default in v1.33+`)
    if (volume.glusterfs) warnings.push(`${at}.glusterfs: deprecated in v1.25, non-functional in v1.26+`)
    if (volume.scaleIO) warnings.push(`${at}.scaleIO: deprecated in v1.16, non-functional in v1.22+`)
    if (volume.flocker) warnings.push(`${at}.flocker: deprecated in v1.22, non-functional in v1.25+`)
    if (volume.storageos) warnings.push(`${at}.storageOS: deprecated in v1.22, non-functional in v1.25+`)
    if (volume.quobyte) warnings.push(`${at}.quobyte: deprecated in v1.22, non-functional in v1.25+`)
    if (volume.cephfs) warnings.push(`${at}.cephfs: deprecated in v1.28, non-functional in v1.31+`)
    if (volume.rbd) warnings.push(`${at}.rbd: deprecated in v1.28, non-functional in v1.31+`)
  })
}

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
