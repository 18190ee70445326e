/** Tells the API the status of pods: only changes, one write a pod at a time, the newest wins. */
import { isDeepStrictEqual } from 'node:util'
import type { Pod, PodStatus } from '../../api/generated/types.ts'
import { isNotFound, isConflict } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { causeOf } from '../../client/cause.ts'
import { compareRevisions } from '../../client/informer.ts'
import { computeBackoff } from '../../component/backoff.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { applyStatus, computeStatusPatch } from './status-patch.ts'

export interface StatusWriter {
  /** Returns at once; the write follows, and is tried again until it or a newer one succeeds. */
  set(pod: Pod, status: PodStatus): void
  /** The status as the kubelet wants it, which the API may not have yet. */
  get(uid: string): PodStatus | undefined
  /** Resolves when the newest status of this pod was written, or the pod is gone. */
  flush(uid: string): Promise<void>
  forget(uid: string): void
}

interface Entry {
  pod: Pod
  wanted: PodStatus
  /** What the API has, as far as this writer knows, and of which revision. */
  stored: PodStatus | undefined
  revision: string
  /** The last status that the API took, and when. */
  written: { status: PodStatus; atMs: number } | undefined
  writing: Promise<void> | undefined
  /** Ends the wait for a better status. */
  hurry: AbortController | undefined
}

const retry = { initialMs: 100, maxMs: 10_000 }
/** Someone who keeps changing our fields is answered this seldom, or two writers would chase each other. */
const repeatMs = 5_000
/** So long a pod that is on its way may be silent about the steps between its first sign of life and its end of starting. */
const holdMs = 500

/** Nothing but "it will run soon": an address alone helps nobody, and each write wakes every watcher. */
const isOnItsWay = ({ phase, initContainerStatuses = [], containerStatuses = [] }: PodStatus): boolean =>
  phase === 'Pending' &&
  [...initContainerStatuses, ...containerStatuses].every(({ state }) =>
    ['ContainerCreating', 'PodInitializing'].includes(state?.waiting?.reason ?? ''),
  )

export function createStatusWriter({ client, clock, logger }: { client: ApiClient; clock: Clock; logger: Logger }): StatusWriter {
  const entries = new Map<string, Entry>()

  async function write(entry: Entry): Promise<void> {
    let failures = 0
    for (;;) {
      const { pod, wanted } = entry
      const patch = computeStatusPatch(pod, entry.stored, wanted)
      if (!patch || entries.get(pod.metadata.uid) !== entry) return
      const { namespace, name } = pod.metadata
      try {
        const answer = await client.patch('Pod', { namespace, name }, patch, {
          type: 'application/strategic-merge-patch+json',
          subresource: 'status',
          cause: causeOf('Pod', pod),
        })
        entry.stored = answer.status ?? applyStatus(entry.stored, wanted)
        entry.revision = answer.metadata.resourceVersion ?? ''
        entry.written = { status: wanted, atMs: clock.now().getTime() }
        failures = 0
        if (entry.wanted === wanted) return
      } catch (error) {
        // The pod is gone, or another one has its name: nothing to tell.
        if (isNotFound(error) || isConflict(error)) return
        failures++
        logger.warn('cannot write pod status, trying again', { pod: `${namespace}/${name}`, error: String(error) })
        await clock.sleep(computeBackoff(retry, failures))
      }
    }
  }

  async function calm(entry: Entry): Promise<void> {
    const { written, wanted } = entry
    if (!written) return
    if (isOnItsWay(wanted)) {
      entry.hurry = new AbortController()
      await clock.sleep(holdMs, entry.hurry.signal)
      entry.hurry = undefined
      return
    }
    if (!isDeepStrictEqual(written.status, wanted)) return
    await clock.sleep(written.atMs + repeatMs - clock.now().getTime())
  }

  return {
    set(pod, wanted) {
      const { uid, resourceVersion = '' } = pod.metadata
      const known = entries.get(uid)
      const entry: Entry = known ?? {
        pod,
        wanted,
        stored: pod.status,
        revision: resourceVersion,
        writing: undefined,
        written: undefined,
        hurry: undefined,
      }
      // A watch event may be older than the answer to our last write.
      if (compareRevisions(resourceVersion, entry.revision) > 0) {
        entry.stored = pod.status
        entry.revision = resourceVersion
      }
      entry.pod = pod
      entry.wanted = wanted
      entries.set(uid, entry)
      if (!isOnItsWay(wanted)) entry.hurry?.abort()
      if (entry.writing || !computeStatusPatch(pod, entry.stored, wanted)) return
      entry.writing = calm(entry)
        .then(() => write(entry))
        .finally(() => {
          entry.writing = undefined
        })
    },
    get: (uid) => entries.get(uid)?.wanted,
    async flush(uid) {
      entries.get(uid)?.hurry?.abort()
      await entries.get(uid)?.writing
    },
    forget: (uid) => void entries.delete(uid),
  }
}
