/** The replica sets of a deployment: which is the new one, how it is made, and the annotations that carry its history. */
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../../api/generated/types.ts'
import { controllerReference, type New } from '../../../api/object.ts'
import { canonicalHash } from '../../canonical-hash.ts'
import { semanticEqual } from '../../semantic-equal.ts'
import { maxSurge } from './rolling-limits.ts'

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
const historyAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas'
export const rollbackAnnotation = 'deprecated.deployment.rollback.to'
const hashLabel = 'pod-template-hash'
const maxHistoryLength = 2000

/** Those belong to one object each; all others follow from the deployment to its new replica set. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  rollbackAnnotation,
])

type Annotations = Record<string, string>

export const replicasOf = ({ spec }: { spec: { replicas?: number | undefined } }): number => spec.replicas ?? 1

export const isInUse = (rs: ReplicaSet): boolean => replicasOf(rs) > 0

const createdAt = ({ metadata }: ReplicaSet): number =>
  // One that is being made in this pass is the youngest.
  metadata.creationTimestamp ? Date.parse(metadata.creationTimestamp) : Infinity

const byName = (a: ReplicaSet, b: ReplicaSet): number => (a.metadata.name < b.metadata.name ? -1 : 1)

/** Subtracting would not order two infinities. */
const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)

export const oldestFirst = (a: ReplicaSet, b: ReplicaSet): number => compare(createdAt(a), createdAt(b)) || byName(a, b)
export const largestThenNewest = (a: ReplicaSet, b: ReplicaSet): number =>
  replicasOf(b) - replicasOf(a) || -compare(createdAt(a), createdAt(b)) || byName(a, b)
export const largestThenOldest = (a: ReplicaSet, b: ReplicaSet): number => replicasOf(b) - replicasOf(a) || oldestFirst(a, b)

/** The oldest one with the deployment's template: there may be several after an upgrade changed the hash. */
export function splitByTemplate({ spec }: Deployment, replicaSets: readonly ReplicaSet[]) {
  const sorted = replicaSets.toSorted(oldestFirst)
  const newRS = sorted.find((rs) => sameTemplate(rs.spec.template, spec.template))
  return { newRS, oldRSs: sorted.filter((rs) => rs !== newRS) }
}

export const sameTemplate = (a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean =>
  semanticEqual(withoutHash(a), withoutHash(b))

export function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  if (!template?.metadata?.labels || !(hashLabel in template.metadata.labels)) return template
  const { [hashLabel]: _, ...labels } = template.metadata.labels
  return { ...template, metadata: { ...template.metadata, labels } }
}

/** Exact: revisions are 64-bit numbers that anyone may have set, and the next one must be one more. */
export const revisionOf = ({ metadata }: ReplicaSet): bigint => toRevision(metadata.annotations?.[revisionAnnotation]) ?? 0n

export const toRevision = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^[+-]?\d+$/.test(text) ? BigInt(text) : undefined

export const byRevision = (a: ReplicaSet, b: ReplicaSet): number => compareRevisions(revisionOf(a), revisionOf(b))

const compareRevisions = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

export const maxRevision = (replicaSets: readonly ReplicaSet[]): bigint =>
  replicaSets.map(revisionOf).reduce((most, revision) => (revision > most ? revision : most), 0n)

/** The one before the newest; 0 when there is none. */
export const lastRevision = (replicaSets: readonly ReplicaSet[]): bigint =>
  replicaSets.map(revisionOf).toSorted((a, b) => compareRevisions(b, a))[1] ?? 0n

/** The replica set for the current template: its name is a function of the template, so that making it twice is harmless. */
export function newReplicaSet(d: Deployment, oldRSs: readonly ReplicaSet[]): New<ReplicaSet> & { metadata: { name: string } } {
  const hash = canonicalHash(d.spec.template, d.status?.collisionCount === undefined ? '' : String(d.status.collisionCount))
  const labels = { ...d.spec.template.metadata?.labels, [hashLabel]: hash }
  return {
    metadata: {
      name: `${d.metadata.name}-${hash}`,
      namespace: d.metadata.namespace,
      labels,
      annotations: { ...annotationsForNew(d, {}, maxRevision(oldRSs) + 1n), ...sizeAnnotations(d) },
      ownerReferences: [controllerReference(d)],
    },
    spec: {
      replicas: 0,
      ...(d.spec.minReadySeconds ? { minReadySeconds: d.spec.minReadySeconds } : {}),
      selector: { ...d.spec.selector, matchLabels: { ...d.spec.selector.matchLabels, [hashLabel]: hash } },
      template: { ...d.spec.template, metadata: { ...d.spec.template.metadata, labels } as typeof d.metadata },
    },
  }
}

/** What scaling needs to know of the deployment at the time the replica set got its size. */
export const sizeAnnotations = (d: Deployment): Annotations => ({
  [desiredAnnotation]: String(replicasOf(d)),
  [maxAnnotation]: String(replicasOf(d) + maxSurge(d)),
})

export function intAnnotation({ metadata }: ReplicaSet, name: string): number | undefined {
  const text = metadata.annotations?.[name] ?? ''
  return /^-?\d+$/.test(text) ? Number(text) : undefined
}

/** The annotations of the new replica set: the deployment's, the revision, and past revisions when it is rolled back to. */
export function annotationsForNew(d: Deployment, current: Annotations, revision: bigint): Annotations {
  const copied = Object.entries(d.metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name))
  const annotations = { ...current, ...Object.fromEntries(copied) }
  const before = current[revisionAnnotation]
  const known = before === undefined ? 0n : toRevision(before)
  if (known === undefined || known >= revision) return annotations
  annotations[revisionAnnotation] = String(revision)
  if (before !== undefined) annotations[historyAnnotation] = appendHistory(current[historyAnnotation], before)
  return annotations
}

function appendHistory(history: string | undefined, revision: string): string {
  const revisions = [...(history ? history.split(',') : []), revision]
  while (revisions.length > 1 && revisions.join().length > maxHistoryLength) revisions.shift()
  return revisions.join()
}

/** The other way round, for a rollback: what the replica set was annotated with becomes the deployment's again. */
export function annotationsForRollback(d: Deployment, rs: ReplicaSet): Annotations {
  const kept = Object.entries(d.metadata.annotations ?? {}).filter(([name]) => notCopied.has(name))
  const restored = Object.entries(rs.metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name))
  return Object.fromEntries([...kept, ...restored])
}
