/** Puts the scheduler together and runs its loop: one decision after the other, bindings beside it. */
import { createEventRecorder, type EventRecorder } from '../client/event-recorder.ts'
import type { ApiClient } from '../client/api-client.ts'
import { createSharedInformers } from '../client/shared-informers.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import { createAttempts, type Attempts } from './why/attempts.ts'
import { createRandom, type Profile } from './decide.ts'
import { followCluster } from './follow-cluster.ts'
import { schedulerNameOf } from './pod-info.ts'
import { createQueue, type QueuedPod, type SchedulingQueue } from './queue.ts'
import { scheduleOne, type CycleContext } from './schedule-one.ts'
import { createSchedulerMetrics } from './scheduler-metrics.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { trimForScheduling } from './trim-objects.ts'
import type { WaitingPods } from './framework.ts'
import { createWaitingPods } from './waiting-pods.ts'
import { explainPod, type Why } from './why/why.ts'

export interface SchedulerOptions {
  client: ApiClient
  profiles: readonly Profile[]
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** Makes choices among equals reproducible. */
  seed?: number | undefined
  initialBackoffMs?: number | undefined
  maxBackoffMs?: number | undefined
  signal: AbortSignal
}

export interface Scheduler {
  attempts: Attempts
  snapshot: Snapshot
  queue: SchedulingQueue
  waiting: WaitingPods
  why(pod: string): Why
  hasSynced(): boolean
  /** Starts to watch: a stand-by keeps up, so that it can lead at once. */
  follow(): Promise<void>
  /** Decides until the signal aborts; then waits for the bindings under way. */
  run(signal: AbortSignal): Promise<void>
}

/** Bindings under way at once: beyond it decisions wait for the API server. */
const maxBindings = 100
/** How long decisions may keep the event loop from watches and bindings. */
const sliceMs = 8

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { client, clock, logger, signal, seed = Math.floor(Math.random() * 2 ** 32), profiles } = options
  const informers = createSharedInformers(client, {
    clock,
    logger,
    signal,
    scopes: { Pod: { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' } },
    ingest: trimForScheduling,
  })
  const snapshot = createSnapshot(informers.cache)
  const plugins = [
    ...new Map(profiles.flatMap((profile) => profile.plugins.map(({ plugin }) => [plugin.name, plugin] as const))).values(),
  ]
  const { initialBackoffMs = 1000, maxBackoffMs = 10_000 } = options
  const queue = createQueue({ clock, plugins, initialBackoffMs, maxBackoffMs })
  const byName = new Map(profiles.map((profile) => [profile.schedulerName, profile]))
  const waiting = createWaitingPods(clock)
  followCluster(informers, snapshot, queue, waiting, (pod) => byName.has(schedulerNameOf(pod)))

  const recorders = new Map<string, EventRecorder>()
  const recorderOf = ({ schedulerName }: Profile): EventRecorder => {
    const known = recorders.get(schedulerName)
    if (known) return known
    const made = createEventRecorder({ client, clock, logger, component: schedulerName })
    recorders.set(schedulerName, made)
    return made
  }
  const context: CycleContext = {
    client,
    binder: { client, claims: informers.informer('PersistentVolumeClaim') },
    recorderOf,
    profiles: byName,
    snapshot,
    queue,
    waiting,
    held: new Set(),
    attempts: createAttempts(),
    metrics: createSchedulerMetrics(options.metrics),
    clock,
    logger,
    random: createRandom(seed),
    position: { next: 0 },
  }
  let synced = false
  return {
    attempts: context.attempts,
    snapshot,
    queue,
    waiting,
    why: (pod) => explainPod(pod, context),
    hasSynced: () => synced,
    async follow() {
      informers.start()
      await informers.whenSynced()
      synced = true
      logger.info('synced', { nodes: snapshot.nodes().length, ...queue.sizes() })
    },
    run: (term) => runLoop(context, term),
  }
}

async function runLoop(context: CycleContext, signal: AbortSignal): Promise<void> {
  const { queue, metrics } = context
  const bindings = new Set<Promise<void>>()
  let wake = () => {}
  queue.onActive(() => wake())
  signal.addEventListener('abort', () => wake(), { once: true })
  const something = () => new Promise<void>((resolve) => (wake = resolve))

  let sliceStart = performance.now()
  while (!signal.aborted) {
    if (bindings.size >= maxBindings) await Promise.race(bindings)
    const queued = queue.pop()
    if (!queued) {
      metrics.pending(queue.sizes())
      await something()
      sliceStart = performance.now()
      continue
    }
    const binding = attempt(queued, context)
    if (binding) {
      bindings.add(binding)
      void binding.then(() => bindings.delete(binding))
    }
    if (performance.now() - sliceStart < sliceMs) continue
    metrics.pending(queue.sizes())
    await new Promise((resolve) => setImmediate(resolve))
    sliceStart = performance.now()
  }
  context.waiting.close()
  await Promise.all([...bindings, ...context.held])
  queue.close()
}

/** A pod that trips over a bug of ours must not keep the others from their nodes: it comes back after its backoff. */
function attempt(queued: QueuedPod, context: CycleContext): Promise<void> | undefined {
  const { logger, queue } = context
  try {
    return scheduleOne(queued, context)?.catch((error: unknown) =>
      logger.error('scheduling failed', { pod: queued.info.key, error }),
    )
  } catch (error) {
    logger.error('scheduling failed', { pod: queued.info.key, error })
    queue.retry(queued)
    return undefined
  }
}
