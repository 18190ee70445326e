/** The pods of a job: which count as what, how they are made, and what an index is. Pure. */
import type { Job, Pod } from '../../../api/generated/types.ts'
import { controllerReference, type New } from '../../../api/object.ts'
import type { Action } from '../../../client/controller.ts'
import { podFromTemplate } from '../../pods.ts'

const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
const indexAnnotation = 'batch.kubernetes.io/job-completion-index'

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed'

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false

export const hasSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded'

/** Takes our own finalizer off and no other, whatever the list holds by then: others come and go at the same time. */
export const releasePod = ({ metadata: { namespace, name, uid } }: Pod): Action => ({
  do: 'patch',
  kind: 'Pod',
  key: { namespace, name },
  type: 'application/strategic-merge-patch+json',
  patch: { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } },
})

const replacesOnlyFailed = ({ spec }: Job): boolean =>
  (spec.podReplacementPolicy ?? (spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed')) === 'Failed'

/** Deleted and not counted: the controller itself took it back, which is no failure. */
const wasTakenBack = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined && !isTracked(pod)

/** A pod that was deleted counts as failed at once, unless the job waits for its real end. */
export const hasFailed = (pod: Pod, job: Job): boolean =>
  !wasTakenBack(pod) &&
  (pod.status?.phase === 'Failed' ||
    (pod.metadata.deletionTimestamp !== undefined && !hasSucceeded(pod) && !replacesOnlyFailed(job)))

/** On its way out, and not replaced before it is gone. */
export const holdsPlace = (pod: Pod, job: Job): boolean =>
  pod.metadata.deletionTimestamp !== undefined && replacesOnlyFailed(job) && !hasSucceeded(pod) && pod.status?.phase !== 'Failed'

export const indexOf = ({ metadata }: Pod): number | undefined => {
  const text = metadata.annotations?.[indexAnnotation]
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text)
}

/** When the pod's last container ended; its deletion or its readiness stand in where that is not told. */
export function finishedAt(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.finishedAt)
  if (ends.length > 0 && ends.every((end) => end !== undefined)) return Math.max(...ends.map((end) => Date.parse(end!)))
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  return Date.parse(ready ?? pod.metadata.deletionTimestamp ?? pod.metadata.creationTimestamp ?? '') || 0
}

export function podFor(job: Job, index: number | undefined, annotations: Record<string, string> = {}): New<Pod> {
  const { name, namespace } = job.metadata
  const generateName = index === undefined ? `${name}-` : `${name}-${index}-`
  const pod = podFromTemplate(job.spec.template, namespace, controllerReference(job), { generateName })
  pod.metadata.finalizers = [...(pod.metadata.finalizers ?? []), trackingFinalizer]
  if (index === undefined) return pod
  pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations, [indexAnnotation]: String(index) }
  pod.metadata.labels = { ...pod.metadata.labels, [indexAnnotation]: String(index) }
  pod.spec.hostname ??= `${name}-${index}`
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    if (container.env?.some((variable) => variable.name === 'JOB_COMPLETION_INDEX')) continue
    const fieldRef = { fieldPath: `metadata.labels['${indexAnnotation}']` }
    container.env = [...(container.env ?? []), { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } }]
  }
  return pod
}

/** `1,3-5,7` as numbers below `limit`, and back. */
export function parseIndexes(text: string | undefined, limit: number): Set<number> {
  const indexes = new Set<number>()
  for (const part of text ? text.split(',') : []) {
    const [first, last = first] = part.split('-').map(Number)
    for (let index = first!; index <= last! && index < limit; index++) indexes.add(index)
  }
  return indexes
}

export function formatIndexes(indexes: ReadonlySet<number>): string | undefined {
  const parts: string[] = []
  const sorted = [...indexes].toSorted((a, b) => a - b)
  for (let at = 0; at < sorted.length;) {
    let end = at
    while (sorted[end + 1] === sorted[end]! + 1) end++
    parts.push(end === at ? `${sorted[at]}` : end === at + 1 ? `${sorted[at]},${sorted[end]}` : `${sorted[at]}-${sorted[end]}`)
    at = end + 1
  }
  return parts.length === 0 ? undefined : parts.join()
}
