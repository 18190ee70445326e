/** Tells users what happened as Event objects: repeats are counted, floods aggregated and held back, as upstream does. */
import { formatTime } from '../api/time.ts'
import type { CoreEvent } from '../api/generated/types.ts'
import type { KubeObject } from '../api/object.ts'
import { isAlreadyExists, isApiError, isNotFound } from '../api/status.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { ApiClient } from './api-client.ts'
import { createCorrelator, type EventTarget, type Occurrence, type Seen, targetKey } from './event-correlator.ts'

export interface EventRecorder {
  /** Returns at once; the event is written in the background, in order for one object. */
  event(
    about: KubeObject | EventTarget,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    options?: EventOptions,
  ): void
  /** Resolves when everything so far is written or given up. */
  flush(): Promise<void>
}

export interface EventOptions {
  cause?: string | undefined
  fieldPath?: string | undefined
}

export interface EventRecorderOptions {
  client: Pick<ApiClient, 'create' | 'patch' | 'inFlight'>
  clock: Clock
  logger: Logger
  /** `replicaset-controller`: the source that users see. */
  component: string
  /** The node, for what is node-bound: users see `kubelet, node-1`, but `default-scheduler` alone. */
  host?: string | undefined
}

/** Events that wait to be written, beyond which new ones are dropped and counted in the log. */
const maxQueued = 10_000
const maxInFlight = 4

export function createEventRecorder({ client, clock, logger, component, host }: EventRecorderOptions): EventRecorder {
  const write = createEventWriter({ client, clock, logger, component, host })
  const queue: Occurrence[] = []
  const busy = new Set<string>()
  let dropped = 0
  let idle: (() => void)[] = []

  /** What events tell of comes first: while its client has other work, the recorder writes one at a time. */
  const allowed = () => ((client.inFlight?.() ?? 0) > busy.size ? 1 : maxInFlight)

  const pump = () => {
    for (let index = 0; index < queue.length && busy.size < allowed();) {
      const occurrence = queue[index]!
      const owner = targetKey(occurrence.target)
      // One at a time for an object, or two repeats would both create instead of counting.
      if (busy.has(owner)) {
        index++
        continue
      }
      queue.splice(index, 1)
      busy.add(owner)
      void write(occurrence).then(() => {
        busy.delete(owner)
        pump()
      })
    }
    if (queue.length > 0 || busy.size > 0) return
    for (const resolve of idle) resolve()
    idle = []
  }
  return {
    event(about, type, reason, message, { cause, fieldPath } = {}) {
      if (queue.length >= maxQueued) {
        if (dropped++ % 1000 === 0) logger.warn('too many events, dropping some', { dropped })
        return
      }
      const target = { ...toTarget(about), ...(fieldPath ? { fieldPath } : {}) }
      queue.push({ target, type, reason, message, cause, at: clock.now() })
      // Not at once: the caller's own write should be on its way first.
      queueMicrotask(pump)
    },
    flush: () =>
      new Promise((resolve) => {
        idle.push(resolve)
        pump()
      }),
  }
}

/** Resolves when the occurrence has been told, or not: events are worth a few tries, what they tell of goes on without them. */
function createEventWriter({ client, clock, logger, component, host }: EventRecorderOptions) {
  const source = host ? { component, host } : { component }
  const correlate = createCorrelator(component)

  const write = async (occurrence: Occurrence, message: string, seen: Seen) => {
    const options = { cause: occurrence.cause }
    if (seen.name) {
      const patch = { count: seen.count, lastTimestamp: formatTime(occurrence.at), message }
      const key = { namespace: namespaceOf(occurrence.target), name: seen.name }
      try {
        await client.patch('Event', key, patch, { type: 'application/strategic-merge-patch+json', ...options })
        return
      } catch (error) {
        // Events expire after an hour: the next one starts anew.
        if (!isNotFound(error)) throw error
      }
    }
    const event = toEvent(occurrence, message, seen, source)
    await client.create('Event', event, options)
    seen.name = event.metadata.name
  }

  return async (occurrence: Occurrence): Promise<void> => {
    // Once: however often it is tried, it has happened once.
    const decided = correlate(occurrence)
    if (!decided) return
    for (let attempt = 1; ; attempt++) {
      try {
        return await write(occurrence, decided.message, decided.seen)
      } catch (error) {
        const { reason, target } = occurrence
        const final = attempt >= 5 || (isApiError(error) && error.code < 500 && error.code !== 429)
        if (final) {
          // A namespace that goes away takes no events any more, which is nobody's fault.
          const level = isApiError(error) && (error.code === 403 || isAlreadyExists(error)) ? 'debug' : 'warn'
          logger[level]('cannot write event', { reason, about: targetKey(target), error: String(error) })
          return
        }
        await clock.sleep(200 * 2 ** attempt)
      }
    }
  }
}

function toTarget(about: KubeObject | EventTarget): EventTarget {
  if (!('metadata' in about)) return about
  const { namespace, name, uid, resourceVersion } = about.metadata
  return { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid, resourceVersion }
}

const namespaceOf = ({ namespace }: EventTarget): string => namespace || 'default'

function toEvent(
  { target, type, reason, at }: Occurrence,
  message: string,
  seen: Seen,
  source: { component: string; host?: string },
) {
  // As upstream: the object's name and a time in hexadecimal, fine enough to be unique.
  const nanoseconds = BigInt(at.getTime()) * 1_000_000n
  lastNameTime = nanoseconds > lastNameTime ? nanoseconds : lastNameTime + 1n
  return {
    metadata: { namespace: namespaceOf(target), name: `${target.name}.${lastNameTime.toString(16)}` },
    involvedObject: target as CoreEvent['involvedObject'],
    reason,
    message: message.slice(0, 1024),
    type,
    source,
    reportingComponent: source.component,
    reportingInstance: source.host ?? '',
    count: seen.count,
    firstTimestamp: formatTime(seen.first),
    lastTimestamp: formatTime(at),
  }
}
let lastNameTime = 0n
