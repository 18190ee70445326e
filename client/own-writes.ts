/** What each key of a controller wrote last, and when its cache shows it: a stale cache would have the controller do it twice. */
import type { KubeObject } from '../api/object.ts'
import type { Logger } from '../component/logger.ts'
import type { Written } from './apply-actions.ts'
import type { Informer } from './informer.ts'
import type { SharedInformers } from './shared-informers.ts'

/** Beyond it the watch is too far behind to wait for, and conflicts will tell. */
const timeoutMs = 10_000

export interface OwnWrites {
  note(key: string, write: Written): void
  /** Resolves when the cache shows everything that this key wrote since it last asked; in bounded time, if it does not. */
  seen(key: string): Promise<void>
}

export function createOwnWrites(informers: SharedInformers, logger: Logger, signal: AbortSignal): OwnWrites {
  const written = new Map<string, Written[]>()
  return {
    note(key, write) {
      const writes = written.get(key)
      if (writes) writes.push(write)
      else written.set(key, [write])
    },
    async seen(key) {
      const writes = written.get(key)
      if (!writes) return
      written.delete(key)
      const seen = await Promise.all(writes.map((write) => whenSeen(informers, write, signal)))
      if (seen.includes(false) && !signal.aborted) logger.warn('own writes are still not in the cache, going on without', { key })
    },
  }
}

async function whenSeen(informers: SharedInformers, write: Written, signal: AbortSignal): Promise<boolean> {
  // A kind that nobody here watches cannot mislead anybody here.
  if (!informers.has(write.kind) || signal.aborted) return true
  const informer = informers.informer(write.kind) as unknown as Informer<KubeObject>
  if (write.resourceVersion !== undefined) return informer.whenReached(write.resourceVersion, timeoutMs)
  const leaves = (object: KubeObject | undefined) =>
    !object ||
    (write.deletedUid !== '' && object.metadata.uid !== write.deletedUid) ||
    object.metadata.deletionTimestamp !== undefined
  return informer.whenObject(write.key, leaves, timeoutMs)
}
