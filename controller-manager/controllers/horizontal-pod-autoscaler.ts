/** HorizontalPodAutoscaler: looks at its metrics every 15 s and sets the size of its target; `autoscaler/plan.ts` decides. */
import { messageOf } from '../../api/error-message.ts'
import type { V2HorizontalPodAutoscaler } from '../../api/generated/types.ts'
import { parseLabelSelector } from '../../api/labels.ts'
import { keyOf } from '../../api/object.ts'
import { applyActions } from '../../client/apply-actions.ts'
import { causeOf } from '../../client/cause.ts'
import type { Action } from '../../client/controller.ts'
import type { ControllerContext } from '../../client/run-controller.ts'
import { createWorkQueue } from '../../client/work-queue.ts'
import { runKeyed } from '../run-keyed.ts'
import { updateStatus } from '../status-patch.ts'
import { nothingYet, remember, type Memory } from './autoscaler/behavior.ts'
import { planScaling, type Observed, type Plan, type Rescale, type Scale } from './autoscaler/plan.ts'
import { createMetricsReader, type MetricsReader } from './autoscaler/read-metrics.ts'
import { createScaleTargets, type ScaleTargets } from './autoscaler/scale-targets.ts'
import { tellFailed, tellRescaled } from './autoscaler/tell-rescale.ts'

const name = 'horizontal-pod-autoscaler-controller'
/** The metrics APIs have no watch. */
const periodMs = 15_000

export async function runHorizontalPodAutoscaler(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { client, informers, clock, metrics } = context
  const informer = informers.informer('HorizontalPodAutoscaler')
  const pods = informers.informer('Pod')
  const queue = createWorkQueue({ name, clock, metrics })
  const memories = new Map<string, Memory>()
  const targets = createScaleTargets(client)
  const doors: Doors = { context, targets, reader: createMetricsReader(client, targets.qualifiedName), signal }
  informer.addHandlers({
    added: (hpa) => queue.add(keyOf(hpa)),
    updated: (hpa, old) => {
      // Its own status is no reason to look again before the time.
      if (hpa.metadata.generation !== old.metadata.generation) queue.add(keyOf(hpa))
    },
    deleted: (hpa) => void memories.delete(keyOf(hpa)),
  })
  await Promise.all([informer.whenSynced(), pods.whenSynced()])
  await runKeyed({
    queue,
    workers: 5,
    signal,
    logger: context.logger.with({ controller: name }),
    async sync(key) {
      const hpa = informer.store.get(key)
      if (!hpa || hpa.metadata.deletionTimestamp) return 0
      const observed = await observe(doors, hpa)
      const plan = planScaling(hpa, observed, memories.get(key) ?? nothingYet, clock.now())
      memories.set(key, plan.memory)
      await tell(doors, hpa, plan.events)
      if (plan.rescale) {
        const { from, to } = plan.rescale
        await rescale(doors, hpa, observed.scale as Scale, plan.rescale, plan.status)
        memories.set(key, remember(plan.memory, hpa.spec, from, to, clock.now()))
        await tell(doors, hpa, tellRescaled(hpa, plan.status, plan.rescale))
      } else await tell(doors, hpa, updateStatus(hpa, plan.status))
      return periodMs
    },
  })
}

/** What the controller sees and acts through. */
interface Doors {
  context: ControllerContext
  targets: ScaleTargets
  reader: MetricsReader
  signal: AbortSignal
}

async function observe({ context, targets, reader, signal }: Doors, hpa: V2HorizontalPodAutoscaler): Promise<Observed> {
  const namespace = hpa.metadata.namespace ?? ''
  const scale = await targets.read(hpa, signal).catch((error: unknown) => ({ error: messageOf(error) }))
  if ('error' in scale || !scale.status.selector) return { scale, pods: [], readings: [] }
  const { selector } = scale.status
  const matcher = parseLabelSelector(selector)
  const inNamespace = context.informers.cache.of('Pod').list(namespace)
  return {
    scale,
    pods: inNamespace.filter(({ metadata }) => matcher.matches(metadata.labels)),
    readings: await Promise.all((hpa.spec.metrics ?? []).map((metric) => reader.read(metric, namespace, selector))),
  }
}

/** Rejects when the target cannot be told; its autoscaler says so then. */
async function rescale(
  doors: Doors,
  hpa: V2HorizontalPodAutoscaler,
  seen: Scale,
  wanted: Rescale,
  status: Plan['status'],
): Promise<void> {
  const scale = { ...seen, spec: { ...seen.spec, replicas: wanted.to } }
  try {
    await doors.targets.write(hpa, scale, { cause: causeOf('HorizontalPodAutoscaler', hpa), signal: doors.signal })
  } catch (error) {
    await tell(doors, hpa, tellFailed(hpa, status, wanted, messageOf(error)))
    throw error
  }
}

const tell = ({ context: { client, recorder }, signal }: Doors, hpa: V2HorizontalPodAutoscaler, actions: Action[]) =>
  applyActions(actions, {
    client,
    recorder,
    cause: causeOf('HorizontalPodAutoscaler', hpa),
    signal,
    wrote: () => {},
    requeueAfter: () => {},
  })
