/** Which objects the pods of each node need: the graph behind the Node authorizer, kept current by pod events. */
import type { Container, EphemeralContainer, Pod, Volume } from '../../../api/generated/types.ts'

/** `secrets/ns/name`, `configmaps/…`, `persistentvolumeclaims/…`, `serviceaccounts/…`, `resourceclaims/…` and `pods/…` itself. */
export type Reference = string

export interface NodeGraph {
  onPodChange(pod: Pod, deleted: boolean): void
  /** Does a pod of this node need the object? */
  needs(node: string, reference: Reference): boolean
  /** Everything of one resource that pods of this node need. */
  references(node: string, resource: string): Iterable<Reference>
}

export const referenceTo = (resource: string, namespace: string, name: string): Reference => `${resource}/${namespace}/${name}`

export function createNodeGraph(): NodeGraph {
  /** How many pods of the node need each object. */
  const nodes = new Map<string, Map<Reference, number>>()
  const known = new Map<string, { node: string; references: ReadonlySet<Reference> }>()

  function count(node: string, references: Iterable<Reference>, by: 1 | -1): void {
    let counts = nodes.get(node)
    if (!counts) nodes.set(node, (counts = new Map()))
    for (const reference of references) {
      const left = (counts.get(reference) ?? 0) + by
      if (left > 0) counts.set(reference, left)
      else counts.delete(reference)
    }
    if (counts.size === 0) nodes.delete(node)
  }

  return {
    onPodChange(pod, deleted) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`
      const before = known.get(key)
      const node = pod.spec?.nodeName ?? ''
      const gone = deleted || node === ''
      // What a pod refers to is fixed once it is bound, but for ephemeral containers and claims made for it.
      const references = gone ? undefined : referencesOf(pod)
      if (before && references && before.node === node && sameSet(before.references, references)) return
      if (references) count(node, references, 1)
      if (before) count(before.node, before.references, -1)
      if (references) known.set(key, { node, references })
      else known.delete(key)
    },
    needs: (node, reference) => nodes.get(node)?.has(reference) ?? false,
    *references(node, resource) {
      for (const reference of nodes.get(node)?.keys() ?? []) if (reference.startsWith(`${resource}/`)) yield reference
    },
  }
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => a.size === b.size && a.isSubsetOf(b)

/** Pure: every object that running this pod takes. A mirror pod was made by its node and gives it no right to anything. */
export function referencesOf(pod: Pod): Set<Reference> {
  const namespace = pod.metadata.namespace ?? ''
  const references = new Set<Reference>()
  const add = (resource: string, name: string | undefined) => {
    if (name) references.add(referenceTo(resource, namespace, name))
  }
  add('pods', pod.metadata.name)
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return references

  const spec = pod.spec
  add('serviceaccounts', spec?.serviceAccountName)
  for (const { name } of spec?.imagePullSecrets ?? []) add('secrets', name)
  for (const volume of spec?.volumes ?? []) addVolume(volume, pod.metadata.name, add)
  for (const container of [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])]) {
    addEnvironment(container, add)
  }
  for (const claim of spec?.resourceClaims ?? []) add('resourceclaims', claim.resourceClaimName)
  for (const claim of pod.status?.resourceClaimStatuses ?? []) add('resourceclaims', claim.resourceClaimName)
  return references
}

type Add = (resource: string, name: string | undefined) => void

function addVolume(volume: Volume, pod: string, add: Add): void {
  add('secrets', volume.secret?.secretName)
  add('configmaps', volume.configMap?.name)
  add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName)
  if (volume.ephemeral) add('persistentvolumeclaims', `${pod}-${volume.name}`)
  for (const source of volume.projected?.sources ?? []) {
    add('secrets', source.secret?.name)
    add('configmaps', source.configMap?.name)
  }
  add('secrets', volume.csi?.nodePublishSecretRef?.name)
  add('secrets', volume.azureFile?.secretName)
  for (const other of [
    volume.cephfs,
    volume.cinder,
    volume.flexVolume,
    volume.iscsi,
    volume.rbd,
    volume.scaleIO,
    volume.storageos,
  ]) {
    add('secrets', other?.secretRef?.name)
  }
}

function addEnvironment({ env, envFrom }: Container | EphemeralContainer, add: Add): void {
  for (const { valueFrom } of env ?? []) {
    add('secrets', valueFrom?.secretKeyRef?.name)
    add('configmaps', valueFrom?.configMapKeyRef?.name)
  }
  for (const { secretRef, configMapRef } of envFrom ?? []) {
    add('secrets', secretRef?.name)
    add('configmaps', configMapRef?.name)
  }
}
