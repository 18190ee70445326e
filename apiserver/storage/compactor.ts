/**
 * Forgets etcd's history older than one to two intervals, by upstream's protocol: any number of API servers take part, one compacts.
 *
 * The version of `compact_rev_key` is a logical clock. Who advances it by compare-and-swap compacts to the revision of its own last
 * turn; who loses learns the clock and waits for the next.
 */
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import type { EtcdClient } from './etcd-client.ts'

const COMPACT_REV_KEY = 'compact_rev_key'

export interface CompactTurn {
  /** Version of the key as this server knows it. */
  time: number
  /** Etcd's revision at this server's last turn; 0: it had none. */
  revision: number
}

export async function compactOnce(client: EtcdClient, { time, revision }: CompactTurn): Promise<CompactTurn> {
  const answer = await client.txn({
    compare: { key: COMPACT_REV_KEY, target: 'version', equals: time },
    success: { type: 'put', key: COMPACT_REV_KEY, value: String(revision) },
    failure: { type: 'range', key: COMPACT_REV_KEY },
  })
  const next = answer.header.revision
  if (!answer.succeeded) return { time: answer.kvs[0]?.version ?? 0, revision: next }
  // Nothing is compacted by a server that has just started: it does not know how old anything is.
  if (revision > 0) await client.compact(revision)
  return { time: time + 1, revision: next }
}

export async function runCompactor(
  client: EtcdClient,
  { intervalMs, clock, logger, signal }: { intervalMs: number; clock: Clock; logger: Logger; signal: AbortSignal },
): Promise<void> {
  let turn: CompactTurn = { time: 0, revision: 0 }
  for (;;) {
    await clock.sleep(intervalMs, signal)
    if (signal.aborted) return
    try {
      turn = await compactOnce(client, turn)
    } catch (error) {
      logger.warn('Cannot compact etcd: it is tried again at the next turn', { error: String(error) })
    }
  }
}
