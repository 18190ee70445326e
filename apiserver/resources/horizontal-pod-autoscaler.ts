/** HorizontalPodAutoscaler: stored as autoscaling/v2, served as v1 too. */
import type { V2HorizontalPodAutoscaler, V2HPAScalingRules, V2MetricSpec, V2MetricStatus } from '../../api/generated/types.ts'
import { AGE, integer, NAME, NONE, text, UNKNOWN, UNSET } from './columns.ts'
import { checkNotNegative, type Errors } from './rules/field-rules.ts'
import { fromV2, toV2 } from './horizontal-pod-autoscaler/v1.ts'
import { validateAutoscalerSpec } from './horizontal-pod-autoscaler/validate.ts'
import { canonicalizeQuantity } from './rules/quantities.ts'
import type { ResourceBehaviour } from './resource.ts'

const DEFAULT_CPU_UTILIZATION = 80

export const horizontalPodAutoscaler: ResourceBehaviour<V2HorizontalPodAutoscaler> = {
  setDefaults: ({ spec }) => {
    spec.minReplicas ??= 1
    if (!spec.metrics?.length) {
      const target = { type: 'Utilization', averageUtilization: DEFAULT_CPU_UTILIZATION }
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }]
    }
    for (const metric of spec.metrics) canonicalizeMetric(metric)
    if (!spec.behavior) return
    spec.behavior.scaleUp = withDefaults(spec.behavior.scaleUp, SCALE_UP)
    spec.behavior.scaleDown = withDefaults(spec.behavior.scaleDown, SCALE_DOWN)
  },
  newStatus: () => ({ currentMetrics: null, desiredReplicas: 0 }),
  validate: ({ spec }) => validateAutoscalerSpec(spec),
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    checkNotNegative(errors, 'status.currentReplicas', status?.currentReplicas)
    checkNotNegative(errors, 'status.desiredReplicas', status?.desiredReplicas)
    return errors
  },
  columns: [
    NAME,
    text('Reference', 'What is scaled.', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
    text('Targets', 'Metrics as they are, and as they should be.', ({ spec, status }) =>
      formatMetrics(spec.metrics, status?.currentMetrics ?? []),
    ),
    text('MinPods', 'The least number of pods.', ({ spec }) =>
      spec.minReplicas === undefined ? UNSET : String(spec.minReplicas),
    ),
    text('MaxPods', 'The greatest number of pods.', ({ spec }) => spec.maxReplicas),
    integer('Replicas', 'The number of pods now.', ({ status }) => status?.currentReplicas),
    AGE,
  ],
  hasStatus: true,
  conversions: { v1: { toStorage: toV2, fromStorage: fromV2 } },
}

/** Upstream's: fast up, by as much as doubles or four pods; down as far as the metrics say. */
const SCALE_UP: V2HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
}
const SCALE_DOWN: V2HPAScalingRules = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] }

const withDefaults = (rules: V2HPAScalingRules | undefined, defaults: V2HPAScalingRules): V2HPAScalingRules => ({
  ...structuredClone(defaults),
  ...rules,
})

const SOURCES = ['containerResource', 'external', 'object', 'pods', 'resource'] as const

function canonicalizeMetric(metric: V2MetricSpec): void {
  for (const source of SOURCES) {
    const target = metric[source]?.target
    if (!target) continue
    canonicalizeQuantity(target, 'value')
    canonicalizeQuantity(target, 'averageValue')
  }
}

function formatMetrics(specs: readonly V2MetricSpec[] | undefined, statuses: readonly V2MetricStatus[]): string {
  if (!specs?.length) return NONE
  const shown = specs.slice(0, 2).map((spec, i) => formatMetric(spec, statuses[i]))
  return specs.length > 2 ? `${shown.join(', ')} + ${specs.length - 2} more...` : shown.join(', ')
}

function formatMetric(spec: V2MetricSpec, status: V2MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return formatValue(spec.external?.target, status?.external?.current)
    case 'Object':
      return formatValue(spec.object?.target, status?.object?.current)
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? UNKNOWN}/${spec.pods?.target.averageValue ?? ''}`
    case 'Resource':
      return formatUtilization(spec.resource?.name, spec.resource?.target, status?.resource?.current)
    case 'ContainerResource':
      return formatUtilization(spec.containerResource?.name, spec.containerResource?.target, status?.containerResource?.current)
    default:
      return '<unknown type>'
  }
}

interface Value {
  value?: string | undefined
  averageValue?: string | undefined
  averageUtilization?: number | undefined
}

function formatValue(target: Value | undefined, current: Value | undefined): string {
  return target?.averageValue === undefined
    ? `${current?.value ?? UNKNOWN}/${target?.value ?? ''}`
    : `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`
}

const percent = (value: number | undefined, otherwise: string) => (value === undefined ? otherwise : `${value}%`)

function formatUtilization(name: string | undefined, target: Value | undefined, current: Value | undefined): string {
  if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? UNKNOWN}/${target.averageValue}`
  return `${name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(target?.averageUtilization, '<auto>')}`
}
