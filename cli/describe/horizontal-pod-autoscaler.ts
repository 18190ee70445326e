/** An autoscaler: what it watches, where that is and shall be, and how many pods it wants. */
import type {
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  V2HorizontalPodAutoscaler,
  V2HPAScalingRules,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatDate, Page } from './page.ts'

export const horizontalPodAutoscalerDescriber: Describer<V2HorizontalPodAutoscaler> = {
  kind: 'HorizontalPodAutoscaler',
  group: 'autoscaling',
  describe({ apiVersion, metadata, spec, status }, _, events, now) {
    const page = new Page().identity(metadata)
    page.line(0, 'CreationTimestamp:', formatDate(metadata.creationTimestamp))
    page.line(0, 'Reference:', `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`)
    if (apiVersion === 'autoscaling/v1') describeProcessor(page, spec, (status ?? {}) as HorizontalPodAutoscalerStatus)
    else describeMetrics(page, spec.metrics ?? [], status?.currentMetrics ?? [])
    page.line(0, 'Min replicas:', spec.minReplicas ?? '<unset>')
    page.line(0, 'Max replicas:', spec.maxReplicas)
    if (spec.behavior) page.line(0, 'Behavior:')
    describeDirection(page, 'Scale Up', spec.behavior?.scaleUp)
    describeDirection(page, 'Scale Down', spec.behavior?.scaleDown)
    const { currentReplicas = 0, desiredReplicas = 0, conditions = [] } = status ?? {}
    page.line(0, `${spec.scaleTargetRef.kind} pods:`, `${currentReplicas} current / ${desiredReplicas} desired`)
    if (conditions.length > 0) {
      page.line(0, 'Conditions:')
      page.line(1, 'Type', 'Status', 'Reason', 'Message').line(1, '----', '------', '------', '-------')
      for (const { type, status: value, reason, message } of conditions) page.line(1, type, value, reason, message)
    }
    return describeEvents(page, events, now).toString()
  },
}

/** The first version of the API knows one metric only. */
function describeProcessor(
  page: Page,
  { targetCPUUtilizationPercentage: target }: HorizontalPodAutoscalerSpec,
  { currentCPUUtilizationPercentage: current }: HorizontalPodAutoscalerStatus,
): void {
  if (target === undefined) return
  page.line(0, 'Target CPU utilization:', `${target}%`)
  page.line(0, 'Current CPU utilization:', `${current ?? '<unknown>'}%`)
}

function describeMetrics(page: Page, metrics: readonly V2MetricSpec[], current: readonly V2MetricStatus[]): void {
  page.line(0, 'Metrics:', '( current / target )')
  metrics.forEach((metric, index) => {
    const [title, values] = metricText(metric, current[index])
    if (values === undefined) page.line(1, title)
    else page.line(1, `${title}:`, values)
  })
}

function metricText(metric: V2MetricSpec, current: V2MetricStatus | undefined): [title: string, values?: string] {
  const { external, pods, object, resource, containerResource } = metric
  if (external) return valueText(JSON.stringify(external.metric.name), external.target, current?.external?.current)
  if (pods) return [`"${pods.metric.name}" on pods`, averageText(pods.target, current?.pods?.current)]
  if (object) {
    const { kind, name } = object.describedObject
    return valueText(`"${object.metric.name}" on ${kind}/${name}`, object.target, current?.object?.current)
  }
  if (resource) return resourceText(`resource ${resource.name} on pods`, resource.target, current?.resource?.current)
  if (containerResource) {
    const { name, container, target } = containerResource
    return resourceText(`resource ${name} of container "${container}" on pods`, target, current?.containerResource?.current)
  }
  return [`<unknown metric type ${JSON.stringify(metric.type)}>`]
}

const averageText = (target: V2MetricTarget, current: V2MetricValueStatus | undefined): string =>
  `${current?.averageValue ?? '<unknown>'} / ${target.averageValue}`

const valueText = (title: string, target: V2MetricTarget, current: V2MetricValueStatus | undefined): [string, string] =>
  target.averageValue === undefined
    ? [`${title} (target value)`, `${current?.value ?? '<unknown>'} / ${target.value}`]
    : [`${title} (target average value)`, averageText(target, current)]

function resourceText(title: string, target: V2MetricTarget, current: V2MetricValueStatus | undefined): [string, string] {
  if (target.averageValue !== undefined) return [title, averageText(target, current)]
  const wanted = target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`
  const seen =
    current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}% (${current.averageValue})`
  return [`${title}  (as a percentage of request)`, `${seen} / ${wanted}`]
}

function describeDirection(page: Page, direction: string, rules: V2HPAScalingRules | undefined): void {
  if (!rules) return
  page.line(1, `${direction}:`)
  if (rules.stabilizationWindowSeconds !== undefined)
    page.line(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds`)
  if (!rules.policies?.length) return
  page.line(2, `Select Policy: ${rules.selectPolicy ?? 'Max'}`)
  page.line(2, 'Policies:')
  for (const { type, value, periodSeconds } of rules.policies)
    page.line(3, `- Type: ${type}`, `Value: ${value}`, `Period: ${periodSeconds} seconds`)
}
