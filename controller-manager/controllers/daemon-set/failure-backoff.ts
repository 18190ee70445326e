/** How long a daemon pod that failed stays before it is replaced: from 1 s, doubling while its successors fail as well. */
import type { DaemonSet, Pod } from '../../../api/generated/types.ts'
import { targetNode } from './placement.ts'

const firstMs = 1_000
const longestMs = 15 * 60_000

export interface FailureBackoff {
  /** 0: it may be replaced now, and that is remembered. The same question has the same answer. */
  waitMs(ds: DaemonSet, failed: Pod, now: Date): number
}

/** By daemon set, template and node: a new template is a new try. */
export function createFailureBackoff(): FailureBackoff {
  const entries = new Map<string, { uid: string; at: number; delayMs: number }>()
  return {
    waitMs(ds, failed, now) {
      const { uid, generation } = ds.metadata
      const key = `${uid}/${generation}/${targetNode(failed) ?? ''}`
      const last = entries.get(key)
      if (last?.uid === failed.metadata.uid) return 0
      const at = now.getTime()
      if (last && at < last.at + last.delayMs) return last.at + last.delayMs - at
      for (const [other, entry] of entries) if (at - entry.at > 2 * longestMs) entries.delete(other)
      const fresh = !last || at - last.at > 2 * longestMs
      entries.set(key, { uid: failed.metadata.uid, at, delayMs: fresh ? firstMs : Math.min(longestMs, last.delayMs * 2) })
      return 0
    },
  }
}
