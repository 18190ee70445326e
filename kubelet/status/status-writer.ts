/** Tells the API the status of pods. */
import type { Pod, PodStatus } from '../../api/generated/types.ts'
import { createStatusEntry, type StatusEntry, type StatusEntryOptions } from './status-entry.ts'

export interface StatusWriter {
  /** Returns at once; the write follows, and is tried again until it or a newer one succeeds. */
  set(pod: Pod, status: PodStatus): void
  /** The status as the kubelet wants it, which the API may not have yet. */
  get(uid: string): PodStatus | undefined
  /** Resolves when the newest status of this pod was written, or the pod is gone. */
  flush(uid: string): Promise<void>
  forget(uid: string): void
}

export function createStatusWriter(options: StatusEntryOptions): StatusWriter {
  const entries = new Map<string, StatusEntry>()
  return {
    set(pod, wanted) {
      const { uid } = pod.metadata
      const entry = entries.get(uid) ?? createStatusEntry(pod, wanted, options)
      entries.set(uid, entry)
      entry.set(pod, wanted)
    },
    get: (uid) => entries.get(uid)?.wanted(),
    async flush(uid) {
      await entries.get(uid)?.flush()
    },
    forget(uid) {
      entries.get(uid)?.drop()
      entries.delete(uid)
    },
  }
}
