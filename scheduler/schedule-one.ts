/** One pod through a cycle: decide, assume, bind in the background; or say why not, and make room if that is allowed. */
import type { Pod, PodCondition } from '../api/generated/types.ts'
import { isNotFound } from '../api/status.ts'
import { formatTime } from '../api/time.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Attempts } from './attempts.ts'
import { bindPod, type Binder } from './bind.ts'
import { decide, type Decision, type Profile } from './decide.ts'
import { explainFailure, refusingPlugins } from './explain.ts'
import type { NodeInfo } from './node-info.ts'
import { createPodInfo, schedulerNameOf } from './pod-info.ts'
import { planPreemption } from './plugins/default-preemption.ts'
import { preempt } from './preempt.ts'
import type { QueuedPod, SchedulingQueue } from './queue.ts'
import type { SchedulerMetrics } from './scheduler-metrics.ts'
import type { Snapshot } from './snapshot.ts'

export interface CycleContext {
  client: ApiClient
  binder: Binder
  /** Speaks as the profile's scheduler. */
  recorderOf: (profile: Profile) => EventRecorder
  profiles: ReadonlyMap<string, Profile>
  snapshot: Snapshot
  queue: SchedulingQueue
  attempts: Attempts
  metrics: SchedulerMetrics
  clock: Clock
  logger: Logger
  random: () => number
  /** Where the next decision starts to look: moved on by each. */
  position: { next: number }
}

/** Synchronous up to the decision, which the snapshot shows at once; answers the binding that is under way, if any. */
export function scheduleOne(queued: QueuedPod, context: CycleContext): Promise<void> | undefined {
  const { snapshot, position, random, clock, attempts, metrics } = context
  const { info } = queued
  const profile = context.profiles.get(schedulerNameOf(info.pod))
  if (!profile || info.pod.metadata.deletionTimestamp !== undefined) return undefined

  const start = performance.now()
  const decision = decide(info, snapshot, profile, { startIndex: position.next, random })
  const nodes = snapshot.nodes().length
  position.next = nodes === 0 ? 0 : (position.next + decision.evaluated) % nodes
  const took = performance.now() - start
  if (decision.node) {
    attempts.record(info.key, decision, clock.now(), took)
    return assumeAndBind(queued, decision.node, profile, context, took)
  }
  metrics.attempted('unschedulable', profile.schedulerName, took)
  return giveUp(queued, decision, profile, context, took)
}

function assumeAndBind(queued: QueuedPod, node: NodeInfo, profile: Profile, context: CycleContext, took: number): Promise<void> {
  const { snapshot, binder, metrics } = context
  const { info, cause } = queued
  const actions = profile.plugins.flatMap(({ plugin }) => plugin.preBind?.(info, node, snapshot) ?? [])
  snapshot.clearNomination(info.uid)
  snapshot.place(info, node.name)
  return bindPod(binder, info, node.name, actions, cause).then(
    () => {
      const message = `Successfully assigned ${info.key} to ${node.name}`
      context.recorderOf(profile).event(info.pod, 'Normal', 'Scheduled', message, { cause })
      metrics.attempted('scheduled', profile.schedulerName, took)
      metrics.scheduled(queued.attempts, context.clock.now().getTime() - queued.since)
    },
    (error: unknown) => takeBack(queued, node, error, profile, context, took),
  )
}

/** The binding failed: the room on the node is free again, and the pod has another try unless it is gone. */
async function takeBack(
  queued: QueuedPod,
  node: NodeInfo,
  error: unknown,
  profile: Profile,
  context: CycleContext,
  took: number,
) {
  const { snapshot, queue, metrics, logger } = context
  const { info } = queued
  const place = snapshot.placeOf(info.uid)
  // The watch may have told us meanwhile that it is bound after all, perhaps elsewhere: that is the truth then.
  if (place?.pod.pod.spec.nodeName) return
  snapshot.remove(info.uid)
  const freed = { ...info.pod, spec: { ...info.pod.spec, nodeName: node.name } }
  queue.happened({ kind: 'Pod', type: 'delete', object: freed })
  metrics.attempted('error', profile.schedulerName, took)
  const message = `binding rejected: running Bind plugin "DefaultBinder": ${error instanceof Error ? error.message : String(error)}`
  const pod = currentVersion(queued, context)
  if (!pod) return
  logger.warn('cannot bind', { pod: info.key, node: node.name, error: String(error) })
  queue.retry(pod)
  context.recorderOf(profile).event(info.pod, 'Warning', 'FailedScheduling', message, { cause: queued.cause })
  await setCondition(pod, { reason: 'SchedulerError', message }, undefined, context)
}

/** The pod as the cache has it now; undefined when it is gone or has a node. */
function currentVersion(queued: QueuedPod, { snapshot }: CycleContext): QueuedPod | undefined {
  const pod = snapshot.cache.of('Pod').get(queued.info.key)
  if (!pod || pod.metadata.uid !== queued.info.uid || pod.spec.nodeName) return undefined
  return pod === queued.info.pod ? queued : { ...queued, info: createPodInfo(pod) }
}

async function giveUp(
  queued: QueuedPod,
  failure: Decision & { node: null },
  profile: Profile,
  context: CycleContext,
  took: number,
) {
  const { snapshot, queue, random, clock, attempts, recorderOf, metrics } = context
  const { info, cause } = queued
  const plan = failure.refused || failure.nodes === 0 ? null : planPreemption(info, failure, snapshot, profile, random)
  const said = plan?.node === null ? plan.message : ''
  const message = explainFailure(failure, said)
  attempts.record(info.key, failure, clock.now(), took, said)
  queue.unschedulable(queued, refusingPlugins(failure))
  recorderOf(profile).event(info.pod, 'Warning', 'FailedScheduling', message, { cause })
  const condition = setCondition(queued, { reason: 'Unschedulable', message }, plan?.node ?? undefined, context)
  if (!plan?.node) return condition
  snapshot.nominate(info, plan.node)
  metrics.preempted(plan.victims.length)
  await Promise.all([condition, preempt(queued, plan.node, plan.victims, profile, context)])
}

/** PodScheduled=False for people and autoscalers to see; written only when it says something new. */
async function setCondition(
  { info: { pod }, cause }: QueuedPod,
  { reason, message }: { reason: string; message: string },
  nominatedNodeName: string | undefined,
  { client, clock, logger }: CycleContext,
): Promise<void> {
  const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const unchanged = before?.status === 'False' && before.reason === reason && before.message === message
  if (unchanged && !nominatedNodeName) return
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : formatTime(clock.now()),
  }
  const status = { conditions: [condition], ...(nominatedNodeName ? { nominatedNodeName } : {}) }
  await patchStatus(client, pod, status, cause, logger)
}

/** Someone may have deleted the pod meanwhile; anything else is worth a line, since the next attempt says it again. */
export async function patchStatus(
  client: ApiClient,
  pod: Pod,
  status: object,
  cause: string | undefined,
  logger: Logger,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata
  try {
    const options = { type: 'application/strategic-merge-patch+json' as const, subresource: 'status', cause }
    await client.patch('Pod', { namespace, name }, { metadata: { uid }, status }, options)
  } catch (error) {
    if (!isNotFound(error)) logger.warn('cannot update pod status', { pod: `${namespace}/${name}`, error: String(error) })
  }
}
