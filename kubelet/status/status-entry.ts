/** The status of one pod on its way to the API: only changes, one write at a time, the newest wins. */
import { isDeepStrictEqual } from 'node:util'
import type { Pod, PodStatus } from '../../api/generated/types.ts'
import { isConflict, isNotFound } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { causeOf } from '../../client/cause.ts'
import { compareRevisions } from '../../client/informer.ts'
import { computeBackoff } from '../../component/backoff.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { applyStatus, computeStatusPatch } from './status-patch.ts'

export interface StatusEntry {
  /** Returns at once; the write follows. */
  set(pod: Pod, wanted: PodStatus): void
  wanted(): PodStatus
  /** Resolves when the newest status was written, or the pod is gone. */
  flush(): Promise<void>
  /** Nothing is written any more but what is on its way. */
  drop(): void
}

export interface StatusEntryOptions {
  client: ApiClient
  clock: Clock
  logger: Logger
}

const retry = { initialMs: 100, maxMs: 10_000 }
/** Someone who keeps changing our fields is answered this seldom, or two writers would chase each other. */
const repeatMs = 5_000
/** So long a pod that is on its way may be silent about the steps between its first sign of life and its end of starting. */
const holdMs = 500

/** `pod` and `wanted` are the first. */
export function createStatusEntry(pod: Pod, wanted: PodStatus, { client, clock, logger }: StatusEntryOptions): StatusEntry {
  /** What the API has, as far as this writer knows, and of which revision. */
  let stored = pod.status
  let revision = pod.metadata.resourceVersion ?? ''
  /** The last status that the API took, and when. */
  let written: { status: PodStatus; atMs: number } | undefined
  let writing: Promise<void> | undefined
  /** Ends the wait for a better status. */
  let hurry: AbortController | undefined
  let dropped = false

  async function calm(): Promise<void> {
    if (!written) return
    if (isOnItsWay(wanted)) {
      hurry = new AbortController()
      await clock.sleep(holdMs, hurry.signal)
      hurry = undefined
    } else if (isDeepStrictEqual(written.status, wanted)) await clock.sleep(written.atMs + repeatMs - clock.now().getTime())
  }

  /** Until there is nothing to tell; resolves also when there is nobody to tell it of. */
  async function write(): Promise<void> {
    for (let failures = 0; ;) {
      const telling = wanted
      const patch = computeStatusPatch(pod, stored, telling)
      if (!patch || dropped) return
      try {
        await send(patch, telling)
        failures = 0
        if (wanted === telling) return
      } catch (error) {
        // The pod is gone, or another one has its name: nothing to tell.
        if (isNotFound(error) || isConflict(error)) return
        failures++
        const { namespace, name } = pod.metadata
        logger.warn('cannot write pod status, trying again', { pod: `${namespace}/${name}`, error: String(error) })
        await clock.sleep(computeBackoff(retry, failures))
      }
    }
  }

  async function send(patch: object, telling: PodStatus): Promise<void> {
    const { namespace, name } = pod.metadata
    const answer = await client.patch('Pod', { namespace, name }, patch, {
      type: 'application/strategic-merge-patch+json',
      subresource: 'status',
      cause: causeOf('Pod', pod),
    })
    stored = answer.status ?? applyStatus(stored, telling)
    revision = answer.metadata.resourceVersion ?? ''
    written = { status: telling, atMs: clock.now().getTime() }
  }

  return {
    set(newer, status) {
      const { resourceVersion = '' } = newer.metadata
      // A watch event may be older than the answer to our last write.
      if (compareRevisions(resourceVersion, revision) > 0) {
        stored = newer.status
        revision = resourceVersion
      }
      pod = newer
      wanted = status
      if (!isOnItsWay(wanted)) hurry?.abort()
      if (writing || !computeStatusPatch(pod, stored, wanted)) return
      writing = calm()
        .then(write)
        .finally(() => {
          writing = undefined
        })
    },
    wanted: () => wanted,
    async flush() {
      hurry?.abort()
      await writing
    },
    drop() {
      dropped = true
    },
  }
}

/** Nothing but "it will run soon": an address alone helps nobody, and each write wakes every watcher. */
const isOnItsWay = ({ phase, initContainerStatuses = [], containerStatuses = [] }: PodStatus): boolean =>
  phase === 'Pending' &&
  [...initContainerStatuses, ...containerStatuses].every(({ state }) =>
    ['ContainerCreating', 'PodInitializing'].includes(state?.waiting?.reason ?? ''),
  )
