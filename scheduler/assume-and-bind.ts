/** From a decision to a bound pod: assume, reserve, permit, preBind, bind; and all of it undone when any of that fails. */
import { messageOf } from '../api/error-message.ts'
import type { Failure, Profile, Verdict } from './decide.ts'
import { bindPod } from './bind.ts'
import type { NodeInfo } from './node-info.ts'
import { createPodInfo } from './pod-info.ts'
import type { QueuedPod } from './queue.ts'
import { sendBack, setCondition, type CycleContext } from './schedule-one.ts'
import { PermitRejectedError } from './waiting-pods.ts'

interface Assumed {
  queued: QueuedPod
  node: NodeInfo
  profile: Profile
  context: CycleContext
  /** Milliseconds that the decision took. */
  took: number
}

/** Synchronous up to the first word with the API server; answers the binding under way, unless it waits for a permit. */
export function assumeAndBind(
  queued: QueuedPod,
  node: NodeInfo,
  profile: Profile,
  context: CycleContext,
  took: number,
): Promise<void> | undefined {
  const { snapshot, waiting, held } = context
  const { info, cause } = queued
  const assumed: Assumed = { queued, node, profile, context, took }
  const actions = profile.plugins.flatMap(({ plugin }) => plugin.preBind?.(info, node, snapshot) ?? [])
  snapshot.clearNomination(info.uid)
  snapshot.place(info, node.name)
  const permits = reserveAndPermit(assumed)
  if ('refused' in permits) return refuse(assumed, permits.refused)

  const bind = () => bindPod(context.binder, info, node.name, actions, profile, cause)
  if (permits.timeouts.size === 0) return finish(assumed, bind())
  // It must not keep other pods from being bound: they may be what it waits for.
  const work = finish(assumed, waiting.wait(info, permits.timeouts).then(bind))
  held.add(work)
  void work.then(() => held.delete(work))
  return undefined
}

function reserveAndPermit({ queued: { info }, node, profile, context }: Assumed) {
  const { snapshot, waiting } = context
  const timeouts = new Map<string, number>()
  for (const { plugin } of profile.plugins) {
    const refusal = plugin.reserve?.(info, node, snapshot)
    if (refusal) return { refused: { plugin: plugin.name, ...refusal } }
  }
  for (const { plugin } of profile.plugins) {
    const permission = plugin.permit?.(info, node, waiting) ?? 'allow'
    if (permission === 'allow') continue
    if ('refusal' in permission) return { refused: { plugin: plugin.name, ...permission.refusal } }
    timeouts.set(plugin.name, permission.waitMs)
  }
  return { timeouts }
}

function finish(assumed: Assumed, binding: Promise<void>): Promise<void> {
  const { queued, node, profile, context, took } = assumed
  const { info, cause } = queued
  return binding.then(
    () => {
      const message = `Successfully assigned ${info.key} to ${node.name}`
      context.recorderOf(profile).event(info.pod, 'Normal', 'Scheduled', message, { cause })
      context.metrics.attempted('scheduled', profile.schedulerName, took)
      context.metrics.scheduled(queued.attempts, context.clock.now().getTime() - queued.since)
      for (const { plugin } of profile.plugins) plugin.postBind?.(info, node.name)
    },
    (error: unknown) => takeBack(assumed, error),
  )
}

/** The room on the node is free again, and so is what plugins had reserved. */
function undo({ queued: { info }, node, profile, context: { snapshot, queue } }: Assumed): void {
  for (const { plugin } of profile.plugins.toReversed()) plugin.unreserve?.(info, node, snapshot)
  snapshot.remove(info.uid)
  queue.happened({ kind: 'Pod', type: 'delete', object: { ...info.pod, spec: { ...info.pod.spec, nodeName: node.name } } })
}

async function refuse(assumed: Assumed, verdict: Verdict): Promise<void> {
  const { queued, node, profile, context, took } = assumed
  undo(assumed)
  const pod = currentVersion(queued, context)
  if (!pod) return
  // Upstream tells of the chosen node alone.
  const failure: Failure = { node: null, nodes: 1, evaluated: 1, verdicts: new Map([[node.name, verdict]]) }
  await sendBack(pod, failure, { said: '' }, profile, context, took)
}

/** The binding failed: the pod has another try unless it is gone. */
async function takeBack(assumed: Assumed, error: unknown): Promise<void> {
  const { queued, node, profile, context, took } = assumed
  const { snapshot, queue, metrics, logger } = context
  const { info } = queued
  // The watch may have told us meanwhile that it is bound after all, perhaps elsewhere: that is the truth then.
  if (snapshot.placeOf(info.uid)?.pod.pod.spec.nodeName) return
  if (error instanceof PermitRejectedError) {
    if (!error.plugin) return undo(assumed)
    return refuse(assumed, { plugin: error.plugin, reasons: [error.message], final: false })
  }
  undo(assumed)
  metrics.attempted('error', profile.schedulerName, took)
  const message = `binding rejected: running Bind plugin "DefaultBinder": ${messageOf(error)}`
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
