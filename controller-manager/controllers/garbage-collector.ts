/** Garbage collector: deletes what has lost its last owner, and carries out foreground and orphaning deletions. */
import type { OwnerReference } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { isConflict } from '../../api/status.ts'
import { isObjectGone } from '../object-gone.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import { createWorkQueue, type WorkQueue } from '../../client/work-queue.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import type { Metrics } from '../../component/metrics.ts'
import { pathOf, resourceKey, splitApiVersion } from '../discovery.ts'
import type { MetadataMonitors } from '../metadata-monitors.ts'
import { decide, decideAlone, type Decision, type OwnerState } from './garbage-collector/decide.ts'
import {
  createGraph,
  isDeletingDependents,
  matches,
  orphanFinalizer,
  ownersOf,
  type Graph,
  type GraphNode,
  type Work,
} from './garbage-collector/graph.ts'

export interface GarbageCollectorContext {
  client: Pick<ApiClient, 'raw'>
  recorder: EventRecorder
  clock: Clock
  logger: Logger
  metrics?: Metrics | undefined
  workers?: number
}

interface Collector extends GarbageCollectorContext {
  graph: Graph
  monitors: MetadataMonitors
  deletions: WorkQueue
  orphanings: WorkQueue
  /** References that the server says lead nowhere, by their coordinates. */
  absent: Set<string>
}

/** A cluster-scoped object cannot belong to a namespaced one: no retry changes that. */
class InvalidOwner extends Error {}

export async function runGarbageCollector(
  context: GarbageCollectorContext,
  monitors: MetadataMonitors,
  signal: AbortSignal,
): Promise<void> {
  const { clock, metrics, workers = 20 } = context
  const deletions = createWorkQueue({ name: 'garbage_collector_attempt_to_delete', clock, metrics })
  const orphanings = createWorkQueue({ name: 'garbage_collector_attempt_to_orphan', clock, metrics })
  const collector: Collector = { ...context, graph: createGraph(), monitors, deletions, orphanings, absent: new Set() }
  const take = ({ toDelete, toOrphan }: Work) => {
    for (const uid of toDelete) deletions.add(uid)
    for (const uid of toOrphan) orphanings.add(uid)
  }
  const stop = () => {
    deletions.shutDown()
    orphanings.shutDown()
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()

  // Nothing is judged before all there is has been seen: an owner may only be late.
  monitors.subscribe({
    put: (resource, object) => take(collector.graph.put(resource, object)),
    deleted: (_, object) => take(collector.graph.remove(object)),
  })
  await monitors.whenSynced()
  await Promise.all([
    ...Array.from({ length: workers }, () => work(deletions, collector, signal, attemptToDelete)),
    ...Array.from({ length: workers }, () => work(orphanings, collector, signal, attemptToOrphan)),
  ])
}

type Attempt = (uid: string, collector: Collector, signal: AbortSignal) => Promise<'done' | 'again'>

async function work(queue: WorkQueue, collector: Collector, signal: AbortSignal, attempt: Attempt): Promise<void> {
  for (let uid = await queue.take(); uid !== undefined; uid = await queue.take()) {
    try {
      if ((await attempt(uid, collector, signal)) === 'done') queue.forget(uid)
      else queue.addRateLimited(uid)
    } catch (error) {
      if (error instanceof InvalidOwner) queue.forget(uid)
      else if (!signal.aborted) {
        // Out of date: the watch brings what we have not seen.
        const level = isConflict(error) || isObjectGone(error) ? 'debug' : 'warn'
        collector.logger[level]('cannot collect, trying again', {
          object: describe(collector.graph.get(uid)),
          error: String(error),
        })
        queue.addRateLimited(uid)
      }
    } finally {
      queue.done(uid)
    }
  }
}

const describe = (node: GraphNode | undefined): string =>
  node ? `${resourceKey(node.resource)}/${node.object.metadata.namespace ?? ''}/${node.object.metadata.name}` : 'gone'

const attemptToDelete: Attempt = async (uid, collector, signal) => {
  const node = collector.graph.get(uid)
  if (!node) return 'done'
  const alone = decideAlone(node, collector.graph)
  if (alone) {
    await carryOut(alone, node, collector, signal)
    return 'done'
  }
  const states = new Map<OwnerReference, OwnerState>()
  for (const owner of ownersOf(node.object)) states.set(owner, await stateOf(owner, node, collector, signal))
  await carryOut(
    decide(node, collector.graph, (owner) => states.get(owner) ?? 'solid'),
    node,
    collector,
    signal,
  )
  // An owner that comes and goes while a watch is re-established is never seen: ask again until it has been.
  return [...states.values()].includes('unseen') ? 'again' : 'done'
}

async function stateOf(owner: OwnerReference, node: GraphNode, collector: Collector, signal: AbortSignal): Promise<OwnerState> {
  const { graph, absent } = collector
  const known = graph.get(owner.uid)
  if (known && matches(owner, known, node.object)) return isDeletingDependents(known.object) ? 'waiting' : 'solid'
  if (graph.isGone(owner.uid)) return 'absent'
  const coordinates = [owner.apiVersion, owner.kind, owner.name, owner.uid, node.object.metadata.namespace ?? ''].join('/')
  if (absent.has(coordinates)) return 'absent'
  if (known) reportWrongNamespace(owner, known, node, collector)
  const live = await lookUp(owner, node, collector, signal)
  if (live?.metadata.uid === owner.uid) return isDeletingDependents(live) ? 'waiting' : 'unseen'
  absent.add(coordinates)
  if (absent.size > 500) for (const oldest of absent.values().take(1)) absent.delete(oldest)
  return 'absent'
}

async function lookUp(
  { apiVersion, kind, name }: OwnerReference,
  { object }: GraphNode,
  collector: Collector,
  signal: AbortSignal,
) {
  const { monitors, client } = collector
  const { group } = splitApiVersion(apiVersion)
  if (!monitors.find(group, kind)) await monitors.refresh()
  const resource = monitors.find(group, kind)
  if (!resource) throw new Error(`Cannot find owner ${name}: no resource of kind ${kind} in ${apiVersion} is served`)
  const { namespace } = object.metadata
  if (resource.namespaced && namespace === undefined) throw new InvalidOwner(`${kind} ${name} is namespaced`)
  try {
    return await client.raw<KubeObject>('GET', pathOf(resource, { namespace, name }), {
      accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
      signal,
    })
  } catch (error) {
    if (isObjectGone(error)) return undefined
    throw error
  }
}

function reportWrongNamespace(owner: OwnerReference, known: GraphNode, { object }: GraphNode, { recorder }: Collector): void {
  const { namespace } = known.object.metadata
  if (namespace === undefined || namespace === object.metadata.namespace) return
  const reference = `[${owner.apiVersion}/${owner.kind}, namespace: ${object.metadata.namespace}, name: ${owner.name}, uid: ${owner.uid}]`
  recorder.event(
    object,
    'Warning',
    'OwnerRefInvalidNamespace',
    `ownerRef ${reference} does not exist in namespace "${object.metadata.namespace}"`,
  )
}

async function carryOut(decision: Decision, node: GraphNode, collector: Collector, signal: AbortSignal): Promise<void> {
  const { object } = node
  switch (decision.do) {
    case 'nothing':
      return
    case 'lookAt':
      for (const uid of decision.uids) collector.deletions.add(uid)
      return
    case 'removeFinalizer':
      return patch(
        node,
        { finalizers: object.metadata.finalizers?.filter((finalizer) => finalizer !== decision.finalizer) },
        collector,
        signal,
      )
    case 'removeOwners':
      return patch(
        node,
        { ownerReferences: ownersOf(object).filter(({ uid }) => !decision.uids.includes(uid)) },
        collector,
        signal,
      )
    case 'delete': {
      if (decision.unblockFirst) {
        const ownerReferences = ownersOf(object).map((owner) => ({ ...owner, blockOwnerDeletion: false }))
        await patch(node, { ownerReferences }, collector, signal)
      }
      return remove(node, decision.propagationPolicy, decision.unblockFirst, collector, signal)
    }
  }
}

/** The revision makes sure that owners, finalizers and deletion are still as they were judged. */
async function patch(
  node: GraphNode,
  metadata: Record<string, unknown>,
  { client }: Collector,
  signal: AbortSignal,
): Promise<void> {
  const { uid, resourceVersion, namespace, name } = node.object.metadata
  await ignoreNotFound(
    client.raw('PATCH', pathOf(node.resource, { namespace, name }), {
      body: { metadata: { uid, resourceVersion, ...metadata } },
      contentType: 'application/merge-patch+json',
      accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
      cause: causeOf(node),
      signal,
    }),
  )
}

async function remove(
  node: GraphNode,
  propagationPolicy: string,
  patched: boolean,
  { client }: Collector,
  signal: AbortSignal,
): Promise<void> {
  const { uid, resourceVersion, namespace, name } = node.object.metadata
  const preconditions = patched ? { uid } : { uid, resourceVersion }
  await ignoreNotFound(
    client.raw('DELETE', pathOf(node.resource, { namespace, name }), {
      body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, preconditions },
      cause: causeOf(node),
      signal,
    }),
  )
}

const causeOf = ({ resource, object: { metadata } }: GraphNode): string =>
  `${resourceKey(resource)}/${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}@${metadata.resourceVersion}`

async function ignoreNotFound(request: Promise<unknown>): Promise<void> {
  try {
    await request
  } catch (error) {
    if (!isObjectGone(error)) throw error
  }
}

/** Lets all dependents go, then the owner. */
const attemptToOrphan: Attempt = async (uid, collector, signal) => {
  const owner = collector.graph.get(uid)
  if (!owner) return 'done'
  const orphans = collector.graph.dependentsOf(uid)
  await Promise.all(
    orphans.map((node) =>
      patch(node, { ownerReferences: ownersOf(node.object).filter((reference) => reference.uid !== uid) }, collector, signal),
    ),
  )
  await carryOut({ do: 'removeFinalizer', finalizer: orphanFinalizer }, owner, collector, signal)
  return 'done'
}
