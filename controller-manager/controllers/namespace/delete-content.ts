/** Deletes everything in a namespace, whatever its kind: pods first and alone, since others may be needed to end them well. */
import type { Pod } from '../../../api/generated/types.ts'
import { isMethodNotAllowed, isNotFound } from '../../../api/status.ts'
import type { KubeObject } from '../../../api/object.ts'
import type { ApiClient, List } from '../../../client/api-client.ts'
import { pathOf, resourceKey, type Resource } from '../../discovery.ts'
import { isFinished } from '../../pods.ts'
import type { Outcome, Remaining } from './conditions.ts'

export interface ContentClient {
  client: Pick<ApiClient, 'raw' | 'list'>
  cause: string
  signal: AbortSignal
}

/** What is left after one pass, and how long it is reasonable to wait for that. */
export type ContentOutcome = Pick<Outcome, 'remaining' | 'errors'> & { estimateSeconds: number }

/** Finalizers end when their owners are done with them: nobody knows when. */
const finalizerEstimateSeconds = 15
const atOnce = 8

export async function deleteContent(
  namespace: string,
  resources: readonly Resource[],
  deletedAt: number,
  now: Date,
  context: ContentClient,
): Promise<ContentOutcome> {
  const deletable = resources.filter(({ namespaced, verbs }) => namespaced && verbs.includes('delete'))
  const pods = deletable.filter((resource) => resourceKey(resource) === 'pods')
  const outcome: ContentOutcome = { remaining: [], errors: [], estimateSeconds: 0 }
  const grace = await podGraceSeconds(namespace, context)
  const elapsed = (now.getTime() - deletedAt) / 1000
  await deleteEach(pods, namespace, elapsed >= grace ? 0 : grace, outcome, context)
  if (outcome.remaining.length > 0) return outcome
  await deleteEach(
    deletable.filter((resource) => !pods.includes(resource)),
    namespace,
    0,
    outcome,
    context,
  )
  return outcome
}

async function deleteEach(
  resources: readonly Resource[],
  namespace: string,
  estimateSeconds: number,
  outcome: ContentOutcome,
  context: ContentClient,
): Promise<void> {
  const left = [...resources]
  const worker = async () => {
    for (let resource = left.shift(); resource; resource = left.shift()) {
      try {
        const remaining = await deleteResource(resource, namespace, context)
        if (!remaining) continue
        outcome.remaining.push(remaining)
        const estimate = estimateSeconds || (remaining.finalizers.size > 0 ? finalizerEstimateSeconds : 0)
        outcome.estimateSeconds = Math.max(outcome.estimateSeconds, estimate)
        if (estimate === 0)
          throw new Error(`unexpected items still remain in namespace: ${namespace} for gvr: ${gvrOf(resource)}`)
      } catch (error) {
        outcome.errors.push(error as Error)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** As Go prints a GroupVersionResource. */
const gvrOf = ({ group, version, resource }: Resource): string => `${group}/${version}, Resource=${resource}`

async function deleteResource(resource: Resource, namespace: string, context: ContentClient): Promise<Remaining | null> {
  const before = await listMetadata(resource, namespace, context)
  if (before.length === 0) return null
  const { client, cause, signal } = context
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' }
  if (resource.verbs.includes('deletecollection')) {
    await client.raw('DELETE', pathOf(resource, { namespace }), { body, cause, signal })
  } else {
    for (const { metadata } of before) {
      await client.raw('DELETE', pathOf(resource, { namespace, name: metadata.name }), { body, cause, signal }).catch(unlessGone)
    }
  }
  const after = await listMetadata(resource, namespace, context)
  if (after.length === 0) return null
  const finalizers = Map.groupBy(
    after.flatMap(({ metadata }) => metadata.finalizers ?? []),
    (finalizer) => finalizer,
  )
  return {
    resource: resource.resource,
    group: resource.group,
    count: after.length,
    finalizers: new Map([...finalizers].map(([finalizer, { length }]) => [finalizer, length])),
  }
}

async function listMetadata(resource: Resource, namespace: string, { client, signal }: ContentClient): Promise<KubeObject[]> {
  if (!resource.verbs.includes('list')) return []
  try {
    const list = await client.raw<List<KubeObject>>('GET', pathOf(resource, { namespace }), {
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      signal,
    })
    return list.items ?? []
  } catch (error) {
    unlessGone(error)
    return []
  }
}

/** A resource may go while it is being emptied, with its definition. */
function unlessGone(error: unknown): void {
  if (!isNotFound(error) && !isMethodNotAllowed(error)) throw error
}

async function podGraceSeconds(namespace: string, { client, signal }: ContentClient): Promise<number> {
  const { items } = await client.list('Pod', { namespace, signal })
  return Math.max(0, ...items.filter((pod: Pod) => !isFinished(pod)).map(({ spec }) => spec.terminationGracePeriodSeconds ?? 0))
}
