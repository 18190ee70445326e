/** What etcd itself says has become of pods, version by version: the only witness that no cache stands between. */
import type { Pod } from '../../api/generated/types.ts'
import { EtcdClient } from '../../apiserver/storage/etcd-client.ts'
import { prefixEnd } from '../../apiserver/storage/etcd-messages.ts'
import { systemClock as clock } from '../../component/clock.ts'
import { silentLogger as logger } from '../../component/logger.ts'
import { computePodRequests } from '../../scheduler/pod-requests.ts'
import type { EtcdProcess } from '../etcd-process.ts'

const PODS = '/registry/core/pods/'

export interface PodChange {
  key: string
  revision: number
  /** Undefined: deleted. */
  pod: Pod | undefined
}

/** Every change of a pod up to this revision, in order. A pod must have been written at it. */
export async function readPodHistory({ endpoint, tls }: EtcdProcess, to: number): Promise<PodChange[]> {
  const client = new EtcdClient({ endpoints: [endpoint], tls, clock, logger })
  const history: PodChange[] = []
  await new Promise<void>((resolve, reject) => {
    const create = { key: PODS, rangeEnd: prefixEnd(PODS), startRevision: 1 }
    const stream = client.watch(
      create,
      ({ events }) => {
        for (const { type, kv } of events) {
          const pod = type === 'delete' ? undefined : (JSON.parse(kv.value.toString()) as Pod)
          history.push({ key: kv.key, revision: kv.modRevision, pod })
        }
        if ((history.at(-1)?.revision ?? 0) >= to) resolve()
      },
      reject,
    )
    stream.catch(reject)
  })
  client.close()
  return history
}

/** What must never be: a pod that moves, a node that holds more than it has, at any revision. */
export function findBreaches(history: readonly PodChange[], milliCpuOf: (node: string) => number): string[] {
  const breaches: string[] = []
  const placed = new Map<string, { node: string; milliCpu: number }>()
  const used = new Map<string, number>()
  for (const { key, revision, pod } of history) {
    const before = placed.get(key)
    const node = pod?.spec.nodeName
    if (before && pod && node !== before.node)
      breaches.push(`${revision}: ${key} moved from ${before.node} to ${node ?? 'nowhere'}`)
    if (before) used.set(before.node, used.get(before.node)! - before.milliCpu)
    placed.delete(key)
    if (!pod || !node) continue
    const { milliCpu } = computePodRequests(pod)
    placed.set(key, { node, milliCpu })
    const total = (used.get(node) ?? 0) + milliCpu
    used.set(node, total)
    if (total > milliCpuOf(node)) breaches.push(`${revision}: ${node} holds ${total}m of ${milliCpuOf(node)}m with ${key}`)
  }
  return breaches
}
