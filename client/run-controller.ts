/** Runs a controller: feeds its queue from informers, calls its pure functions, carries out their actions, owns every retry. */
import { messageOf } from '../api/error-message.ts'
import { kindInfo, type KindName, type Kinds } from '../api/kinds.ts'
import { controllerOf, keyOf, parseKey, type KubeObject } from '../api/object.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import type { ApiClient } from './api-client.ts'
import { applyActions, isNamespaceTerminating } from './apply-actions.ts'
import { causeOf } from './cause.ts'
import type { Controller } from './controller.ts'
import type { EventRecorder } from './event-recorder.ts'
import type { Indexes } from './indexed-store.ts'
import type { Informer } from './informer.ts'
import { createOwnWrites } from './own-writes.ts'
import type { SharedInformers } from './shared-informers.ts'
import { createWorkQueue, type WorkQueue } from './work-queue.ts'

export interface ControllerContext {
  client: ApiClient
  informers: SharedInformers
  recorder: EventRecorder
  clock: Clock
  logger: Logger
  metrics?: Metrics | undefined
  /** Keys worked on at the same time; upstream's default is 5. */
  workers?: number
}

export interface RunningController {
  /** Makes a key due, as if an event had woken it. */
  enqueue(key: string): void
  /** Resolves when nothing waits or is worked on (delayed keys aside): for tests. */
  idle(): Promise<void>
  /** Resolves when the signal has aborted and the last key is done. */
  finished: Promise<void>
}

/**
 * Guarantees: one key is never worked on twice at once; a key is not looked at again before the cache shows what it
 * wrote last; an error brings it back with backoff; every write names the object version that woke the key.
 */
export function runController<K extends KindName, Observed>(
  controller: Controller<K, Observed>,
  context: ControllerContext,
  signal: AbortSignal,
): RunningController {
  const { informers, clock, metrics, workers = 5 } = context
  const queue = createWorkQueue({ name: controller.name, clock, metrics })
  const causes = createCauses()
  subscribe(controller, informers, (key, kind, object) => {
    causes.remember(key, causeOf(kind, object), kind === controller.for)
    queue.add(key)
  })
  informers.start()
  signal.addEventListener('abort', () => queue.shutDown(), { once: true })
  if (signal.aborted) queue.shutDown()

  const worker = createWorker(controller, context, queue, causes, signal)
  const finished = informers.whenSynced().then(async () => {
    await Promise.all(Array.from({ length: workers }, () => worker.run()))
  })
  return { enqueue: queue.add, idle: worker.idle, finished }
}

type WakeUp = (key: string, kind: KindName, object: KubeObject) => void

function subscribe<K extends KindName, Observed>(
  controller: Controller<K, Observed>,
  informers: SharedInformers,
  wake: WakeUp,
): void {
  const { cache } = informers
  const own = informers.informer(controller.for) as unknown as Informer<KubeObject>
  const wakeSelf = (object: KubeObject) => wake(keyOf(object), controller.for, object)
  own.addHandlers({
    added: wakeSelf,
    updated: (object, old) => {
      if (controller.wakesOn?.(object as Kinds[K], old as Kinds[K]) ?? true) wakeSelf(object)
    },
    deleted: wakeSelf,
  })

  for (const kind of controller.owns ?? []) {
    on(informers.informer(kind) as unknown as Informer<KubeObject>, (object) => {
      const owner = controllerOf(object)
      if (owner?.kind !== controller.for || groupOf(owner.apiVersion) !== kindInfo(controller.for).group) return
      const { namespace } = object.metadata
      // The owner may be cluster-scoped where the object is not; the other way around there are no owners.
      wake(namespace && kindInfo(controller.for).namespaced ? `${namespace}/${owner.name}` : owner.name, kind, object)
    })
  }
  for (const { kind, wakes } of controller.watches ?? []) {
    on(informers.informer(kind) as unknown as Informer<KubeObject>, (object, current) => {
      for (const key of wakes(object as never, cache)) wake(key, kind, current)
    })
  }
  for (const kind of controller.reads ?? []) informers.informer(kind)
  for (const [kind, indexes] of Object.entries(controller.indexes ?? {})) {
    const informer = informers.informer(kind as KindName) as unknown as Informer<KubeObject>
    informer.addIndexes(indexes as Indexes<never> as Indexes<KubeObject>)
  }
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '')

/** Calls with each state that an event touches: both of an update, since either may concern someone else's key. */
function on(informer: Informer<KubeObject>, touched: (object: KubeObject, current: KubeObject) => void): void {
  informer.addHandlers({
    added: (object) => touched(object, object),
    updated: (object, old) => {
      touched(old, object)
      touched(object, object)
    },
    deleted: (object) => touched(object, object),
  })
}

interface Causes {
  remember(key: string, cause: string, own: boolean): void
  take(key: string): string | undefined
}

/** The version that woke each key. Where several merged, the object's own change explains more than its dependents'. */
function createCauses(): Causes {
  const causes = new Map<string, { cause: string; own: boolean }>()
  return {
    remember(key, cause, own) {
      if (own || !causes.get(key)?.own) causes.set(key, { cause, own })
    },
    take(key) {
      const found = causes.get(key)?.cause
      causes.delete(key)
      return found
    },
  }
}

function createWorker<K extends KindName, Observed>(
  controller: Controller<K, Observed>,
  context: ControllerContext,
  queue: WorkQueue,
  causes: Causes,
  signal: AbortSignal,
) {
  const { client, informers, recorder, clock } = context
  const logger = context.logger.with({ controller: controller.name })
  const store = informers.cache.of(controller.for)
  const measure = createMeasures(controller.name, context)
  const ownWrites = createOwnWrites(informers, logger, signal)
  let working = 0
  let waiters: (() => void)[] = []

  const reconcile = async (key: string, cause: string | undefined) => {
    const object = store.get(key)
    const actions = object
      ? controller.reconcile(object, controller.observe(object, informers.cache), clock.now())
      : (controller.gone?.(parseKey(key), informers.cache) ?? [])
    let requeueMs: number | undefined
    await applyActions(actions, {
      client,
      recorder,
      cause,
      signal,
      wrote: (write) => ownWrites.note(key, write),
      requeueAfter: (ms) => (requeueMs = Math.min(requeueMs ?? Infinity, ms)),
    })
    return requeueMs
  }

  const work = async (key: string) => {
    await ownWrites.seen(key)
    const cause = causes.take(key)
    const end = measure()
    try {
      const requeueMs = await reconcile(key, cause)
      queue.forget(key)
      if (requeueMs !== undefined) queue.addAfter(key, requeueMs)
      end('success')
    } catch (error) {
      if (signal.aborted) return
      end('error')
      if (isNamespaceTerminating(error)) return queue.forget(key)
      // What we acted on was out of date: the newer state is on its way, so this is no news to anyone.
      const level = isConflict(error) || isNotFound(error) ? 'debug' : 'warn'
      logger[level]('cannot reconcile, trying again', { key, failures: queue.failures(key) + 1, error: messageOf(error) })
      if (cause) causes.remember(key, cause, false)
      queue.addRateLimited(key)
    }
  }

  return {
    async run() {
      for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
        working++
        try {
          await work(key)
        } finally {
          working--
          queue.done(key)
          if (working === 0 && queue.length() === 0) for (const resolve of waiters.splice(0)) resolve()
        }
      }
      waiters = []
    },
    idle: () =>
      new Promise<void>((resolve) => {
        if (working === 0 && queue.length() === 0) resolve()
        else waiters.push(resolve)
      }),
  }
}

function createMeasures(controller: string, { metrics, clock }: ControllerContext) {
  const total = metrics?.counter('kubelab_controller_reconcile_total', 'Reconciliations by controller and result', [
    'controller',
    'result',
  ])
  const seconds = metrics?.histogram(
    'kubelab_controller_reconcile_seconds',
    'How long a reconciliation took, with its writes',
    [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    ['controller'],
  )
  return () => {
    const start = clock.now().getTime()
    return (result: 'success' | 'error') => {
      total?.inc({ controller, result })
      seconds?.observe({ controller }, (clock.now().getTime() - start) / 1000)
    }
  }
}
