/** One look at an autoscaler: the size it wants, its status, its events, what it remembers. Pure. */
import type {
  Pod,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerCondition,
  V2HorizontalPodAutoscalerSpec,
  V2HorizontalPodAutoscalerStatus,
  V2MetricSpec,
  V2MetricStatus,
} from '../../../api/generated/types.ts'
import { formatTime } from '../../../api/time.ts'
import type { Action } from '../../../client/controller.ts'
import { withoutCondition } from '../../conditions.ts'
import { type Memory, normalize } from './behavior.ts'
import { measure, metricName, sourceName } from './metric.ts'
import { type Basis, MetricError, type Reading } from './replicas.ts'

export interface Scale {
  spec: { replicas?: number }
  status: { replicas: number; selector?: string }
}

export interface Observed {
  /** Or why it could not be read. */
  scale: Scale | { error: string }
  pods: readonly Pod[]
  /** One for each metric of the spec. */
  readings: readonly Reading[]
}

export interface Plan {
  status: V2HorizontalPodAutoscalerStatus
  events: Action[]
  memory: Memory
  /** The size to set, and why. */
  rescale: Rescale | null
}

export interface Rescale {
  from: number
  to: number
  reason: string
}

type Condition = [type: string, status: 'True' | 'False', reason: string, message: string]

const defaultTolerance = 0.1

/** What one look comes to; what it does not name stays as it was. */
interface Verdict {
  conditions: Condition[]
  /** The size that the target has; unknown when it could not be asked. */
  current?: number
  metrics?: V2MetricStatus[]
  events?: Action[]
  memory?: Memory
  rescale?: Plan['rescale']
}

export function planScaling(
  hpa: V2HorizontalPodAutoscaler,
  { scale, pods, readings }: Observed,
  memory: Memory,
  now: Date,
): Plan {
  const verdict = 'error' in scale ? unreadable(hpa, scale.error) : judge(hpa, scale, pods, readings, memory, now)
  const { conditions, current, metrics = hpa.status?.currentMetrics, rescale = null } = verdict
  return {
    events: verdict.events ?? [],
    memory: verdict.memory ?? memory,
    rescale,
    status: {
      ...hpa.status,
      observedGeneration: hpa.metadata.generation,
      currentReplicas: current ?? hpa.status?.currentReplicas ?? 0,
      desiredReplicas: rescale ? rescale.to : (current ?? hpa.status?.desiredReplicas ?? 0),
      currentMetrics: metrics,
      conditions: withConditions(hpa.status?.conditions, conditions, now),
      ...(rescale ? { lastScaleTime: formatTime(now) } : {}),
    },
  }
}

const warn = (about: V2HorizontalPodAutoscaler, reason: string, message: string): Action => ({
  do: 'event',
  about,
  type: 'Warning',
  reason,
  message,
})

function unreadable(hpa: V2HorizontalPodAutoscaler, error: string): Verdict {
  const message = `the HPA controller was unable to get the target's current scale: ${error}`
  return { conditions: [['AbleToScale', 'False', 'FailedGetScale', message]], events: [warn(hpa, 'FailedGetScale', error)] }
}

const able: Condition = [
  'AbleToScale',
  'True',
  'SucceededGetScale',
  "the HPA controller was able to get the target's current scale",
]

/** Bounds come before metrics: a target outside them is brought in, whatever it is busy with. */
function judge(
  hpa: V2HorizontalPodAutoscaler,
  scale: Scale,
  pods: readonly Pod[],
  readings: readonly Reading[],
  memory: Memory,
  now: Date,
): Verdict {
  const current = scale.spec.replicas ?? 0
  const bounds = outOfBounds(hpa.spec, current)
  if (bounds === 'disabled') {
    const message = 'scaling is disabled since the replica count of the target is zero'
    return { conditions: [able, ['ScalingActive', 'False', 'ScalingDisabled', message]], current }
  }
  if (bounds) return { conditions: [able], current, rescale: { from: current, ...bounds } }
  if (!scale.status.selector) {
    const inactive: Condition = ['ScalingActive', 'False', 'InvalidSelector', "the HPA target's scale is missing a selector"]
    const events = ['SelectorRequired', 'FailedComputeMetricsReplicas'].map((reason) => warn(hpa, reason, 'selector is required'))
    return { conditions: [able, inactive], current, events }
  }

  const basis: Basis = { replicas: current, pods, tolerance: toleranceOf(hpa.spec), now }
  const { best, metrics, failures } = propose(hpa, basis, scale.status.replicas, readings)
  const events = failures.map(({ reason, cause }) => warn(hpa, reason, cause))
  const [failure] = failures
  // A metric that cannot be read may have wanted more: without it nothing is taken away.
  if (!best || (failure && best.replicas < current)) {
    const { reason, cause, message } = failure!
    const text = `invalid metrics (${failures.length} invalid out of ${readings.length}), first error is: ${message}`
    const inactive: Condition = ['ScalingActive', 'False', reason, `the HPA was unable to compute the replica count: ${cause}`]
    events.push(warn(hpa, 'FailedComputeMetricsReplicas', text))
    return { conditions: [able, inactive], current, metrics, events }
  }
  return { current, metrics, events, ...scaleTo(hpa.spec, best, current, memory, now) }
}

/** What the metrics ask for, within what the behavior allows. */
function scaleTo(spec: V2HorizontalPodAutoscalerSpec, best: Proposal, current: number, memory: Memory, now: Date): Verdict {
  const start =
    memory.recommendations.length > 0 ? memory : { ...memory, recommendations: [{ replicas: current, at: now.getTime() }] }
  const { able: ableNow, limited, replicas, recommendations } = normalize(spec, start, current, best.replicas, now)
  const reason = best.replicas > current ? `${best.name} above target` : best.replicas < current ? 'All metrics below target' : ''
  const found = `the HPA was able to successfully calculate a replica count from ${best.name}`
  return {
    conditions: [
      ['AbleToScale', 'True', ableNow.reason, ableNow.message],
      ['ScalingActive', 'True', 'ValidMetricFound', found],
      ['ScalingLimited', limited.status, limited.reason, limited.message],
    ],
    memory: { ...start, recommendations },
    rescale: replicas === current ? null : { from: current, to: replicas, reason },
  }
}

function outOfBounds({ minReplicas = 1, maxReplicas }: V2HorizontalPodAutoscalerSpec, current: number) {
  if (current === 0 && minReplicas !== 0) return 'disabled' as const
  if (current > maxReplicas) return { to: maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' }
  if (current < minReplicas) return { to: minReplicas, reason: 'Current number of replicas below Spec.MinReplicas' }
  return null
}

const toleranceOf = ({ behavior }: V2HorizontalPodAutoscalerSpec): Basis['tolerance'] => ({
  up: parseTolerance(behavior?.scaleUp?.tolerance),
  down: parseTolerance(behavior?.scaleDown?.tolerance),
})
const parseTolerance = (text: string | undefined): number =>
  text === undefined ? defaultTolerance : text.endsWith('m') ? Number(text.slice(0, -1)) / 1000 : Number(text)

interface Failure {
  reason: string
  /** What the condition and the metric's event say. */
  cause: string
  message: string
}

/** The size that one metric asks for. */
interface Proposal {
  replicas: number
  name: string
}

function propose(hpa: V2HorizontalPodAutoscaler, basis: Basis, statusReplicas: number, readings: readonly Reading[]) {
  const metrics: V2MetricStatus[] = []
  const failures: Failure[] = []
  let best: Proposal | undefined
  for (const [index, metric] of (hpa.spec.metrics ?? []).entries()) {
    try {
      const { replicas, status } = measure(metric, readings[index] ?? { error: 'it was not asked for' }, basis, statusReplicas)
      metrics.push(status)
      if (!best || replicas > best.replicas) best = { replicas, name: metricName(metric) }
    } catch (error) {
      if (!(error instanceof MetricError)) throw error
      failures.push(failureOf(metric, error.message))
    }
  }
  return { best, metrics, failures }
}

const failureOf = (metric: V2MetricSpec, problem: string): Failure => {
  const name = sourceName(metric)
  const kind = metric.type === 'ContainerResource' ? 'container resource' : metric.type.toLowerCase()
  const resource = metric.type === 'Resource' || metric.type === 'ContainerResource'
  const cause = resource ? `failed to get ${name} utilization: ${problem}` : problem
  return {
    reason: `FailedGet${metric.type}Metric`,
    cause,
    message: resource ? `failed to get ${name} ${kind} metric value: ${cause}` : `failed to get ${kind} metric value: ${cause}`,
  }
}

function withConditions(
  before: readonly V2HorizontalPodAutoscalerCondition[] | undefined,
  told: readonly Condition[],
  now: Date,
): V2HorizontalPodAutoscalerCondition[] {
  let conditions = [...(before ?? [])]
  for (const [type, status, reason, message] of told) {
    const old = conditions.find((condition) => condition.type === type)
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : formatTime(now)
    const next = { type, status, reason, message, lastTransitionTime }
    conditions = old
      ? conditions.map((condition) => (condition === old ? next : condition))
      : [...withoutCondition(conditions, type), next]
  }
  return conditions
}
