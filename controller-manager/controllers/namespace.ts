/** Namespace: one that is deleted goes when nothing is left in it, and everything in it is made to go. */
import type { Namespace } from '../../api/generated/types.ts'
import { causeOf } from '../../client/cause.ts'
import type { ControllerContext } from '../../client/run-controller.ts'
import { createWorkQueue, type WorkQueue } from '../../client/work-queue.ts'
import { resourceKey } from '../discovery.ts'
import type { MetadataMonitors } from '../metadata-monitors.ts'
import { runKeyed } from '../run-keyed.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { computeNamespaceConditions, type Outcome } from './namespace/conditions.ts'
import { deleteContent } from './namespace/delete-content.ts'

const finalizer = 'kubernetes'

export async function runNamespaceController(
  context: ControllerContext,
  monitors: MetadataMonitors,
  signal: AbortSignal,
): Promise<void> {
  const { clock, metrics, informers, workers = 10 } = context
  const queue = createWorkQueue({ name: 'namespace', clock, metrics })
  const waiting = createWaiting(monitors, queue)
  const wake = (namespace: Namespace) => {
    if (needsWork(namespace)) queue.add(namespace.metadata.name)
  }
  informers
    .informer('Namespace')
    .addHandlers({ added: wake, updated: wake, deleted: ({ metadata }) => waiting.forget(metadata.name) })
  await informers.informer('Namespace').whenSynced()
  const logger = context.logger.with({ controller: 'namespace-controller' })
  await runKeyed({ queue, workers, logger, signal, sync: (name) => syncNamespace(name, waiting, context, monitors, signal) })
}

const needsWork = ({ metadata, spec }: Namespace): boolean =>
  metadata.deletionTimestamp !== undefined && (spec?.finalizers ?? []).includes(finalizer)

interface Waiting {
  for(namespace: string, resources: readonly string[]): void
  forget(namespace: string): void
}

/** Wakes a namespace when the last object of each kind that was left has gone: nothing needs to be asked again and again. */
function createWaiting(monitors: MetadataMonitors, queue: WorkQueue): Waiting {
  const waiting = new Map<string, Set<string>>()
  monitors.subscribe({
    put() {},
    deleted(resource, { metadata: { namespace } }) {
      const left = namespace === undefined ? undefined : waiting.get(namespace)
      if (!left?.has(resourceKey(resource)) || monitors.count(resource, namespace!) !== 0) return
      left.delete(resourceKey(resource))
      if (left.size === 0) queue.add(namespace!)
    },
  })
  return {
    for(namespace, resources) {
      waiting.set(namespace, new Set(resources))
      const gone = monitors
        .resources()
        .filter((resource) => resources.includes(resourceKey(resource)) && monitors.count(resource, namespace) === 0)
      // They may have gone between the last look and now.
      if (gone.length === resources.length) queue.addAfter(namespace, 100)
    },
    forget: (namespace) => void waiting.delete(namespace),
  }
}

/** Answers how long to wait before the next pass; 0 when there is none to come. */
async function syncNamespace(
  name: string,
  waiting: Waiting,
  context: ControllerContext,
  monitors: MetadataMonitors,
  signal: AbortSignal,
): Promise<number> {
  const { informers, client, clock } = context
  const namespace = informers.cache.of('Namespace').get(name)
  if (!namespace || !needsWork(namespace)) return 0
  await monitors.refresh()
  const cause = causeOf('Namespace', namespace)
  const deletedAt = Date.parse(namespace.metadata.deletionTimestamp ?? '')
  const content = await deleteContent(name, monitors.resources(), deletedAt, clock.now(), { client, cause, signal })
  const outcome = { ...content, discoveryFailures: monitors.failures() }
  const done = outcome.remaining.length === 0 && outcome.errors.length === 0 && outcome.discoveryFailures.size === 0
  if (!done || namespace.status?.conditions?.length || namespace.metadata.finalizers?.length)
    await writeConditions(namespace, outcome, context, cause)
  if (done) {
    await finalize(namespace, context, cause)
    return 0
  }
  waiting.for(name, outcome.remaining.map(resourceKey))
  const errors = [...outcome.errors, ...outcome.discoveryFailures.values()]
  if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '))
  return (outcome.estimateSeconds / 2 + 1) * 1000
}

async function writeConditions(
  { metadata, status }: Namespace,
  outcome: Outcome,
  { client, clock }: ControllerContext,
  cause: string,
): Promise<void> {
  const old = status?.conditions ?? []
  const conditions = computeNamespaceConditions(old, outcome, clock.now())
  if (semanticEqual(old, conditions)) return
  const patch = { metadata: { uid: metadata.uid }, status: { conditions } }
  await client.patch('Namespace', { name: metadata.name }, patch, {
    type: 'application/merge-patch+json',
    subresource: 'status',
    cause,
  })
}

async function finalize(seen: Namespace, { client }: ControllerContext, cause: string): Promise<void> {
  // Our own status write, and anyone's, moved the revision on.
  const namespace = await client.get('Namespace', { name: seen.metadata.name })
  if (namespace.metadata.uid !== seen.metadata.uid) return
  const finalizers = (namespace.spec?.finalizers ?? []).filter((each) => each !== finalizer)
  await client.update('Namespace', { ...namespace, spec: { ...namespace.spec, finalizers } }, { subresource: 'finalize', cause })
}
