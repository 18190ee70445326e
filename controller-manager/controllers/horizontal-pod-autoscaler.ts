/** HorizontalPodAutoscaler: looks at its metrics every 15 s and sets the size of its target; `autoscaler/plan.ts` decides. */
import type { V2CrossVersionObjectReference, V2HorizontalPodAutoscaler } from '../../api/generated/types.ts'
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
import { planScaling, type Observed, type Plan, type Scale } from './autoscaler/plan.ts'
import { createMetricsReader } from './autoscaler/read-metrics.ts'

const name = 'horizontal-pod-autoscaler-controller'
/** The metrics APIs have no watch. */
const periodMs = 15_000

export async function runHorizontalPodAutoscaler(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { client, informers, clock, metrics } = context
  const informer = informers.informer('HorizontalPodAutoscaler')
  const pods = informers.informer('Pod')
  const queue = createWorkQueue({ name, clock, metrics })
  const memories = new Map<string, Memory>()
  const resourceOf = (reference: V2CrossVersionObjectReference) => findResource(context, reference)
  const reader = createMetricsReader(client, async (reference) => (await resourceOf(reference)).qualified)
  informer.addHandlers({
    added: (hpa) => queue.add(keyOf(hpa)),
    updated: (hpa, old) => {
      // Its own status is no reason to look again before the time.
      if (hpa.metadata.generation !== old.metadata.generation) queue.add(keyOf(hpa))
    },
    deleted: (hpa) => void memories.delete(keyOf(hpa)),
  })
  await Promise.all([informer.whenSynced(), pods.whenSynced()])

  const scalePath = async ({ spec, metadata }: V2HorizontalPodAutoscaler) =>
    `${(await resourceOf(spec.scaleTargetRef)).root}/namespaces/${metadata.namespace}/${(await resourceOf(spec.scaleTargetRef)).resource}/${spec.scaleTargetRef.name}/scale`

  const observe = async (hpa: V2HorizontalPodAutoscaler): Promise<Observed> => {
    const namespace = hpa.metadata.namespace ?? ''
    const scale = await scalePath(hpa)
      .then((path) => client.raw<Scale>('GET', path, { signal }))
      .catch((error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }))
    if ('error' in scale || !scale.status.selector) return { scale, pods: [], readings: [] }
    const { selector } = scale.status
    const matcher = parseLabelSelector(selector)
    return {
      scale,
      pods: informers.cache
        .of('Pod')
        .list(namespace)
        .filter(({ metadata }) => matcher.matches(metadata.labels)),
      readings: await Promise.all((hpa.spec.metrics ?? []).map((metric) => reader.read(metric, namespace, selector))),
    }
  }

  const act = async (hpa: V2HorizontalPodAutoscaler, { scale }: Observed, plan: Plan, cause: string) => {
    const apply = (actions: Action[]) =>
      applyActions(actions, { client, recorder: context.recorder, cause, signal, wrote: () => {}, requeueAfter: () => {} })
    await apply(plan.events)
    if (!plan.rescale) return apply(updateStatus(hpa, plan.status))
    const { from, to, reason } = plan.rescale
    const able = (status: string, why: string, message: string): Action[] =>
      updateStatus(hpa, {
        ...plan.status,
        ...(status === 'False'
          ? { desiredReplicas: hpa.status?.desiredReplicas ?? 0, lastScaleTime: hpa.status?.lastScaleTime }
          : {}),
        conditions: plan.status.conditions?.map((condition) =>
          condition.type === 'AbleToScale' ? { ...condition, status, reason: why, message } : condition,
        ),
      })
    const event = (type: 'Normal' | 'Warning', why: string, message: string): Action => ({
      do: 'event',
      about: hpa,
      type,
      reason: why,
      message,
    })
    try {
      const body = { ...(scale as Scale), spec: { ...(scale as Scale).spec, replicas: to } }
      await client.raw('PUT', await scalePath(hpa), { body, cause, signal })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      await apply([
        event('Warning', 'FailedRescale', `New size: ${to}; reason: ${reason}; error: ${message}`),
        ...able('False', 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${message}`),
      ])
      throw error
    }
    memories.set(keyOf(hpa), remember(plan.memory, hpa.spec, from, to, clock.now()))
    await apply([
      event('Normal', 'SuccessfulRescale', `New size: ${to}; reason: ${reason}`),
      ...able('True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${to}`),
    ])
  }

  await runKeyed({
    queue,
    workers: 5,
    signal,
    logger: context.logger.with({ controller: name }),
    async sync(key) {
      const hpa = informer.store.get(key)
      if (!hpa || hpa.metadata.deletionTimestamp) return 0
      const observed = await observe(hpa)
      const plan = planScaling(hpa, observed, memories.get(key) ?? nothingYet, clock.now())
      memories.set(key, plan.memory)
      await act(hpa, observed, plan, causeOf('HorizontalPodAutoscaler', hpa))
      return periodMs
    },
  })
}

/** Custom resources may be scaled too, so discovery knows where. */
async function findResource({ client }: ControllerContext, { apiVersion = 'v1', kind }: V2CrossVersionObjectReference) {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const { resources } = await client.raw<{ resources: { name: string; kind: string }[] }>('GET', root)
  const found = resources.find((resource) => resource.kind === kind && !resource.name.includes('/'))
  if (!found) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(apiVersion.split('/')[0])}`)
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  return { root, resource: found.name, qualified: group ? `${found.name}.${group}` : found.name }
}
