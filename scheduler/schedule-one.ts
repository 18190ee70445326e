/** One pod through a cycle: decide, assume, bind in the background; or say why not, and make room if that is allowed. */
import type { Pod, PodCondition } from '../api/generated/types.ts'
import { isNotFound } from '../api/status.ts'
import { formatTime } from '../api/time.ts'
import type { ApiClient } from '../client/api-client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Attempts } from './why/attempts.ts'
import { assumeAndBind } from './assume-and-bind.ts'
import type { Binder } from './bind.ts'
import { decide, type Failure, type Profile } from './decide.ts'
import { explainFailure, refusingPlugins } from './explain.ts'
import type { Preemption } from './framework.ts'
import { schedulerNameOf, type PodInfo } from './pod-info.ts'
import { preempt } from './preempt.ts'
import type { QueuedPod, SchedulingQueue } from './queue.ts'
import type { SchedulerMetrics } from './scheduler-metrics.ts'
import type { Snapshot } from './snapshot.ts'
import type { OpenWaitingPods } from './waiting-pods.ts'

export interface CycleContext {
  client: ApiClient
  binder: Binder
  /** Speaks as the profile's scheduler. */
  recorderOf: (profile: Profile) => EventRecorder
  profiles: ReadonlyMap<string, Profile>
  snapshot: Snapshot
  queue: SchedulingQueue
  waiting: OpenWaitingPods
  /** What goes on while permit plugins keep pods waiting: not counted among the bindings. */
  held: Set<Promise<void>>
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
  const { snapshot, position, random, clock, attempts } = context
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
  return giveUp(queued, decision, profile, context, took)
}

/** No node will do now: says why, and makes room where a plugin knows how. */
function giveUp(queued: QueuedPod, failure: Failure, profile: Profile, context: CycleContext, took: number): Promise<void> {
  const { snapshot, random } = context
  const { info } = queued
  const plans = profile.plugins
    .map(({ plugin }) => plugin.postFilter?.(info, failure, snapshot, profile, random) ?? null)
    .filter((plan) => plan !== null)
  const plan = plans.find((each) => each.node !== null)
  const said = plan ? '' : plans.map((each) => (each.node === null ? each.message : '')).join(', ')
  const forgets = !plan && plans.some((each) => each.node === null && each.endsNomination)
  return sendBack(queued, failure, { said, plan, forgets }, profile, context, took)
}

interface Prospect {
  /** What postFilter plugins had to say. */
  said: string
  plan?: (Preemption & { node: string }) | undefined
  /** The node that it waits for is no longer its. */
  forgets?: boolean
}

/** The pod waits for what may help the plugins that refused it; events and its condition tell people. */
export async function sendBack(
  queued: QueuedPod,
  failure: Failure,
  { said, plan, forgets = false }: Prospect,
  profile: Profile,
  context: CycleContext,
  took: number,
): Promise<void> {
  const { snapshot, queue, clock, attempts, recorderOf, metrics } = context
  const { info, cause } = queued
  const message = explainFailure(failure, said)
  metrics.attempted('unschedulable', profile.schedulerName, took)
  attempts.record(info.key, failure, clock.now(), took, plan ? describePlan(plan) : said)
  const given = forgets ? info.pod.status?.nominatedNodeName : undefined
  if (given) {
    snapshot.clearNomination(info.uid)
    // Others were kept off by it.
    queue.happened({ kind: 'Pod', type: 'delete', object: { ...info.pod, spec: { ...info.pod.spec, nodeName: given } } }, cause)
  }
  queue.unschedulable(
    queued,
    refusingPlugins(failure),
    plan?.victims.map(({ uid }) => uid),
  )
  recorderOf(profile).event(info.pod, 'Warning', 'FailedScheduling', message, { cause })
  const condition = setCondition(queued, { reason: 'Unschedulable', message }, plan?.node ?? (given ? null : undefined), context)
  if (!plan) return condition
  snapshot.nominate(info, plan.node)
  metrics.preempted(plan.victims.length)
  await Promise.all([condition, preempt(queued, plan.node, plan.victims, profile, context)])
}

const describePlan = ({ node, victims }: { node: string; victims: readonly PodInfo[] }): string =>
  `preemption: ${victims.map(({ key }) => key).join(', ')} must leave ${node} for it.`

/** PodScheduled=False for people and autoscalers to see; written only when it says something new. */
export async function setCondition(
  { info: { pod }, cause }: QueuedPod,
  { reason, message }: { reason: string; message: string },
  /** Null takes it away. */
  nominatedNodeName: string | null | undefined,
  { client, clock, logger }: CycleContext,
): Promise<void> {
  const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const unchanged = before?.status === 'False' && before.reason === reason && before.message === message
  if (unchanged && nominatedNodeName === undefined) return
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : formatTime(clock.now()),
  }
  const status = { conditions: [condition], ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }) }
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
