/** Makes room: evicts the victims of a preemption and tells why, in upstream's words. */
import { isNotFound } from '../api/status.ts'
import { formatTime } from '../api/time.ts'
import type { Profile } from './decide.ts'
import type { PodInfo } from './pod-info.ts'
import type { QueuedPod } from './queue.ts'
import { patchStatus, type CycleContext } from './schedule-one.ts'

export async function preempt(
  { info, cause }: QueuedPod,
  node: string,
  victims: readonly PodInfo[],
  profile: Profile,
  context: CycleContext,
): Promise<void> {
  const { client, clock, logger, queue, recorderOf, snapshot, waiting } = context
  const evict = async ({ pod, key, uid }: PodInfo) => {
    const { namespace, name, deletionTimestamp } = pod.metadata
    // It is leaving already; asking again would only shorten nothing.
    if (deletionTimestamp !== undefined) return
    // Nobody has been told of it yet: there is nothing to delete.
    if (waiting.has(uid)) return waiting.reject(uid, 'DefaultPreemption', 'preempted')
    snapshot.expectToLeave(uid, true)
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${profile.schedulerName}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: formatTime(clock.now()),
    }
    await patchStatus(client, pod, { conditions: [condition] }, cause, logger)
    try {
      await client.delete('Pod', { namespace, name }, { preconditions: { uid }, cause })
    } catch (error) {
      if (isNotFound(error)) return
      logger.warn('cannot preempt', { pod: key, for: info.key, error: String(error) })
      snapshot.expectToLeave(uid, false)
      // Nothing is coming that the pod waits for: it looks again.
      queue.happened({ kind: 'Pod', type: 'delete', object: pod }, cause)
      return
    }
    recorderOf(profile).event(pod, 'Normal', 'Preempted', `Preempted by pod ${info.uid} on node ${node}`, { cause })
  }
  // Lesser pods that were to get this room must look elsewhere.
  const outranked = snapshot.nominatedOn(node).filter(({ priority, uid }) => priority < info.priority && uid !== info.uid)
  for (const { uid } of outranked) snapshot.clearNomination(uid)
  await Promise.all([
    ...outranked.map(({ pod }) => patchStatus(client, pod, { nominatedNodeName: null }, cause, logger)),
    ...victims.map(evict),
  ])
}
