/** Who a pod of a stateful set is: its ordinal, name, labels and claims. Pure. */
import type {
  ObjectMeta,
  PersistentVolumeClaim,
  Pod,
  PodTemplateSpec,
  StatefulSet,
  Volume,
} from '../../../api/generated/types.ts'
import { controllerReference, type New } from '../../../api/object.ts'
import { podFromTemplate } from '../../pods.ts'
import { revisionHashLabel } from '../../history.ts'

const podNameLabel = 'statefulset.kubernetes.io/pod-name'
const podIndexLabel = 'apps.kubernetes.io/pod-index'

/** -1 when the name is not one of this set's. */
export function ordinalOf(setName: string, podName: string): number {
  const match = /^(.*)-(0|[1-9]\d*)$/.exec(podName)
  return match?.[1] === setName ? Number(match[2]) : -1
}

export const podNameFor = ({ metadata }: StatefulSet, ordinal: number): string => `${metadata.name}-${ordinal}`

const claimNameFor = (set: StatefulSet, template: string, ordinal: number): string => `${template}-${podNameFor(set, ordinal)}`

const labelsFor = (set: StatefulSet, ordinal: number): Record<string, string> => ({
  [podNameLabel]: podNameFor(set, ordinal),
  [podIndexLabel]: String(ordinal),
})

export function podFor(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): New<Pod> {
  const pod = podFromTemplate(template, set.metadata.namespace, controllerReference(set), { name: podNameFor(set, ordinal) })
  pod.metadata.labels = { ...pod.metadata.labels, ...labelsFor(set, ordinal), [revisionHashLabel]: revision }
  pod.spec.hostname = podNameFor(set, ordinal)
  if (set.spec.serviceName) pod.spec.subdomain = set.spec.serviceName
  const claims = (set.spec.volumeClaimTemplates ?? []).map(({ metadata: { name } }): Volume => ({
    name,
    persistentVolumeClaim: { claimName: claimNameFor(set, name, ordinal), readOnly: false },
  }))
  const others = (pod.spec.volumes ?? []).filter(({ name }) => !claims.some((claim) => claim.name === name))
  if (claims.length + others.length > 0) pod.spec.volumes = [...claims, ...others]
  return pod
}

export function claimsFor(
  set: StatefulSet,
  ordinal: number,
): (New<PersistentVolumeClaim> & { metadata: Partial<ObjectMeta> & { name: string } })[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    metadata: {
      name: claimNameFor(set, metadata.name, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
    },
    spec,
  }))
}

/** Labels that an adopted or older pod lacks; null when it has them all. */
export function missingLabels(set: StatefulSet, pod: Pod, ordinal: number): Record<string, string> | null {
  const wanted = Object.entries(labelsFor(set, ordinal)).filter(([label, value]) => pod.metadata.labels?.[label] !== value)
  return wanted.length === 0 ? null : Object.fromEntries(wanted)
}
