/** From what the metrics ask for to what is done now: stabilization windows, rates, and the bounds. Pure. */
import type { V2HorizontalPodAutoscalerSpec, V2HPAScalingPolicy, V2HPAScalingRules } from '../../../api/generated/types.ts'

export interface Change {
  replicas: number
  at: number
}

/** What an autoscaler remembers between two looks. */
export interface Memory {
  recommendations: readonly Change[]
  ups: readonly Change[]
  downs: readonly Change[]
}

export const nothingYet: Memory = { recommendations: [], ups: [], downs: [] }

export interface Normalized {
  replicas: number
  recommendations: readonly Change[]
  able: { reason: string; message: string }
  limited: { status: 'True' | 'False'; reason: string; message: string }
}

const defaultDownWindow = 300
const texts = {
  ScaleUpLimit: 'the desired replica count is increasing faster than the maximum scale rate',
  TooManyReplicas: 'the desired replica count is more than the maximum replica count',
  ScaleDownLimit: 'the desired replica count is decreasing faster than the maximum scale rate',
  TooFewReplicas: 'the desired replica count is less than the minimum replica count',
  DesiredWithinRange: 'the desired count is within the acceptable range',
  ScaleUpStabilized: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
  ScaleDownStabilized: 'recent recommendations were higher than current one, applying the highest recent recommendation',
  ReadyForNewScale: 'recommended size matches current size',
} as const
type Reason = keyof typeof texts

export function normalize(
  spec: V2HorizontalPodAutoscalerSpec,
  memory: Memory,
  current: number,
  wanted: number,
  now: Date,
): Normalized {
  const [stable, why] = stabilize(spec, memory, current, wanted, now)
  const [replicas, limit] = bound(spec, memory, current, stable, now)
  const longest = Math.max(upWindow(spec), downWindow(spec)) * 1000
  const recent = memory.recommendations.filter(({ at }) => at >= now.getTime() - longest)
  return {
    replicas,
    recommendations: [...recent, { replicas: wanted, at: now.getTime() }],
    able: { reason: why, message: texts[why] },
    limited: { status: replicas === stable ? 'False' : 'True', reason: limit, message: texts[limit] },
  }
}

const upWindow = ({ behavior }: V2HorizontalPodAutoscalerSpec): number => behavior?.scaleUp?.stabilizationWindowSeconds ?? 0
const downWindow = ({ behavior }: V2HorizontalPodAutoscalerSpec): number =>
  behavior?.scaleDown?.stabilizationWindowSeconds ?? defaultDownWindow

function stabilize(
  spec: V2HorizontalPodAutoscalerSpec,
  { recommendations }: Memory,
  current: number,
  wanted: number,
  now: Date,
): [number, Reason] {
  const within = (seconds: number) =>
    recommendations.filter(({ at }) => at > now.getTime() - seconds * 1000).map(({ replicas }) => replicas)
  // Without a behavior upstream takes the highest of the window in both directions.
  const up = spec.behavior !== undefined && wanted >= current
  const stable = up ? Math.min(wanted, ...within(upWindow(spec))) : Math.max(wanted, ...within(downWindow(spec)))
  return [stable, stable === wanted ? 'ReadyForNewScale' : up ? 'ScaleUpStabilized' : 'ScaleDownStabilized']
}

function bound(
  { behavior, minReplicas = 1, maxReplicas }: V2HorizontalPodAutoscalerSpec,
  { ups, downs }: Memory,
  current: number,
  wanted: number,
  now: Date,
): [number, Reason] {
  if (wanted > current) {
    const rate = behavior ? upLimit(behavior.scaleUp, current, ups, downs, now) : Math.max(2 * current, 4)
    const limit = Math.max(current, rate)
    if (wanted > Math.min(maxReplicas, limit))
      return limit < maxReplicas ? [limit, 'ScaleUpLimit'] : [maxReplicas, 'TooManyReplicas']
  } else if (wanted < current) {
    const limit = behavior ? Math.min(current, downLimit(behavior.scaleDown, current, ups, downs, now)) : -Infinity
    if (wanted < Math.max(minReplicas, limit))
      return limit > minReplicas ? [limit, 'ScaleDownLimit'] : [minReplicas, 'TooFewReplicas']
  }
  return wanted < minReplicas ? [minReplicas, 'TooFewReplicas'] : [wanted, 'DesiredWithinRange']
}

const defaultUp: { selectPolicy: string; policies: V2HPAScalingPolicy[] } = {
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
}
const defaultDown: typeof defaultUp = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] }

const changed = (changes: readonly Change[], periodSeconds: number, now: Date): number =>
  changes.filter(({ at }) => at > now.getTime() - periodSeconds * 1000).reduce((total, { replicas }) => total + replicas, 0)

type Limit = (
  rules: V2HPAScalingRules | undefined,
  current: number,
  ups: readonly Change[],
  downs: readonly Change[],
  now: Date,
) => number

const upLimit: Limit = (rules, current, ups, downs, now) => {
  const { selectPolicy = 'Max', policies = defaultUp.policies } = rules ?? defaultUp
  if (selectPolicy === 'Disabled') return current
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = current - changed(ups, periodSeconds, now) + changed(downs, periodSeconds, now)
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100))
  })
  return selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits)
}

const downLimit: Limit = (rules, current, ups, downs, now) => {
  const { selectPolicy = 'Max', policies = defaultDown.policies } = rules ?? defaultDown
  if (selectPolicy === 'Disabled') return current
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = current - changed(ups, periodSeconds, now) + changed(downs, periodSeconds, now)
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100))
  })
  return selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits)
}

/** A scaling that has been done; what no policy looks back to is forgotten. */
export function remember(
  memory: Memory,
  { behavior }: V2HorizontalPodAutoscalerSpec,
  from: number,
  to: number,
  now: Date,
): Memory {
  if (!behavior || from === to) return memory
  const longest = (behavior.scaleUp?.policies ?? []).concat(behavior.scaleDown?.policies ?? [])
  const periodMs = Math.max(15, ...longest.map(({ periodSeconds }) => periodSeconds)) * 1000
  const keep = (changes: readonly Change[]) => changes.filter(({ at }) => at > now.getTime() - periodMs)
  const change = { replicas: Math.abs(to - from), at: now.getTime() }
  return {
    ...memory,
    ups: [...keep(memory.ups), ...(to > from ? [change] : [])],
    downs: [...keep(memory.downs), ...(to < from ? [change] : [])],
  }
}
