/** autoscaling/v1 and back: it knows one metric, CPU utilization; all else of v2 rides along in annotations, as upstream has it. */
import type {
  HorizontalPodAutoscaler,
  ObjectMeta,
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricStatus,
} from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'

const PREFIX = 'autoscaling.alpha.kubernetes.io/'
const METRICS = `${PREFIX}metrics`
const CURRENT_METRICS = `${PREFIX}current-metrics`
const CONDITIONS = `${PREFIX}conditions`
const BEHAVIOR = `${PREFIX}behavior`
const ALL = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR]

/** The metric that v1 has a field of its own for. */
const isCpuUtilization = ({ type, resource }: V2MetricSpec): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined

export function fromV2(object: KubeObject): KubeObject {
  const { metadata, spec, status } = object as V2HorizontalPodAutoscaler
  const annotations = { ...metadata.annotations }
  const cpu = spec.metrics?.find(isCpuUtilization)
  const others = (spec.metrics ?? []).filter((metric) => metric !== cpu)
  if (others.length > 0) annotations[METRICS] = JSON.stringify(others.map(specToV1))
  const current = status?.currentMetrics ?? []
  const currentCpu = current.find(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu')
  if (current.length > 0) annotations[CURRENT_METRICS] = JSON.stringify(current.map(statusToV1))
  if (status?.conditions?.length) annotations[CONDITIONS] = JSON.stringify(status.conditions)
  if (spec.behavior) annotations[BEHAVIOR] = JSON.stringify(spec.behavior)
  const v1: HorizontalPodAutoscaler = {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(metadata, annotations),
    spec: {
      scaleTargetRef: spec.scaleTargetRef,
      ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }),
      maxReplicas: spec.maxReplicas,
      ...(cpu && { targetCPUUtilizationPercentage: cpu.resource?.target.averageUtilization }),
    },
    status: {
      ...(status?.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
      ...(status?.lastScaleTime && { lastScaleTime: status.lastScaleTime }),
      currentReplicas: status?.currentReplicas ?? 0,
      desiredReplicas: status?.desiredReplicas ?? 0,
      ...(currentCpu && { currentCPUUtilizationPercentage: currentCpu.resource?.current.averageUtilization }),
    },
  }
  return v1
}

export function toV2(object: KubeObject): KubeObject {
  const { metadata, spec = {} as HorizontalPodAutoscaler['spec'], status } = object as HorizontalPodAutoscaler
  const annotations = { ...metadata.annotations }
  const read = <T>(name: string): T | undefined => {
    try {
      return annotations[name] === undefined ? undefined : (JSON.parse(annotations[name]) as T)
    } catch {
      // Upstream passes over what it cannot read there, too.
      return undefined
    }
  }
  const metrics = (read<V1Metric[]>(METRICS) ?? []).map(specFromV1)
  if (spec.targetCPUUtilizationPercentage !== undefined) {
    const target = { type: 'Utilization', averageUtilization: spec.targetCPUUtilizationPercentage }
    metrics.unshift({ type: 'Resource', resource: { name: 'cpu', target } })
  }
  const behavior = read<NonNullable<V2HorizontalPodAutoscaler['spec']['behavior']>>(BEHAVIOR)
  const conditions = read<NonNullable<NonNullable<V2HorizontalPodAutoscaler['status']>['conditions']>>(CONDITIONS)
  const currentMetrics = read<V1Metric[]>(CURRENT_METRICS)?.map(statusFromV1)
  for (const name of ALL) delete annotations[name]
  const v2: V2HorizontalPodAutoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: withAnnotations(metadata, annotations),
    spec: {
      scaleTargetRef: spec.scaleTargetRef,
      ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }),
      maxReplicas: spec.maxReplicas,
      ...(metrics.length > 0 && { metrics }),
      ...(behavior && { behavior }),
    },
    ...(status && {
      status: {
        ...(status.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
        ...(status.lastScaleTime && { lastScaleTime: status.lastScaleTime }),
        ...(conditions && { conditions }),
        ...(currentMetrics && { currentMetrics }),
        currentReplicas: status.currentReplicas,
        desiredReplicas: status.desiredReplicas,
      },
    }),
  }
  return v2
}

function withAnnotations(metadata: ObjectMeta, annotations: Record<string, string>): ObjectMeta {
  const { annotations: _, ...rest } = metadata
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest
}

/** The flat form that v1's annotations have. */
interface V1Metric {
  type: string
  object?: {
    target: NonNullable<V2MetricSpec['object']>['describedObject']
    metricName: string
    targetValue?: string
    averageValue?: string
    currentValue?: string
  }
  pods?: { metricName: string; targetAverageValue?: string; currentAverageValue?: string }
  resource?: { name: string } & V1Utilization
  containerResource?: { name: string; container: string } & V1Utilization
  external?: {
    metricName: string
    metricSelector?: NonNullable<V2MetricSpec['external']>['metric']['selector']
    targetValue?: string
    targetAverageValue?: string
    currentValue?: string
    currentAverageValue?: string
  }
}
interface V1Utilization {
  targetAverageUtilization?: number
  targetAverageValue?: string
  currentAverageUtilization?: number
  currentAverageValue?: string
}

function specToV1({ type, object, pods, resource, containerResource, external }: V2MetricSpec): object {
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric.name,
        targetValue: object.target.value,
        averageValue: object.target.averageValue,
      },
    }),
    ...(pods && { pods: { metricName: pods.metric.name, targetAverageValue: pods.target.averageValue } }),
    ...(resource && { resource: { name: resource.name, ...utilizationToV1('target', resource.target) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        container: containerResource.container,
        ...utilizationToV1('target', containerResource.target),
      },
    }),
    ...(external && {
      external: {
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      },
    }),
  }
}

function statusToV1({ type, object, pods, resource, containerResource, external }: V2MetricStatus): object {
  return {
    type,
    ...(object && {
      object: { target: object.describedObject, metricName: object.metric.name, currentValue: object.current.value },
    }),
    ...(pods && { pods: { metricName: pods.metric.name, currentAverageValue: pods.current.averageValue } }),
    ...(resource && { resource: { name: resource.name, ...utilizationToV1('current', resource.current) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        container: containerResource.container,
        ...utilizationToV1('current', containerResource.current),
      },
    }),
    ...(external && {
      external: {
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        currentValue: external.current.value,
        currentAverageValue: external.current.averageValue,
      },
    }),
  }
}

const utilizationToV1 = (
  word: 'target' | 'current',
  { averageUtilization, averageValue }: { averageUtilization?: number | undefined; averageValue?: string | undefined },
) => ({ [`${word}AverageUtilization`]: averageUtilization, [`${word}AverageValue`]: averageValue })

const target = (value: string | undefined, averageValue: string | undefined, averageUtilization?: number) => ({
  type: averageUtilization !== undefined ? 'Utilization' : averageValue !== undefined ? 'AverageValue' : 'Value',
  ...(averageUtilization !== undefined && { averageUtilization }),
  ...(averageValue !== undefined && { averageValue }),
  ...(value !== undefined && averageValue === undefined && { value }),
})

function specFromV1({ type, object, pods, resource, containerResource, external }: V1Metric): V2MetricSpec {
  return {
    type,
    ...(object && {
      object: {
        describedObject: object.target,
        metric: { name: object.metricName },
        target: target(object.targetValue, object.averageValue),
      },
    }),
    ...(pods && { pods: { metric: { name: pods.metricName }, target: target(undefined, pods.targetAverageValue) } }),
    ...(resource && {
      resource: {
        name: resource.name,
        target: target(undefined, resource.targetAverageValue, resource.targetAverageUtilization),
      },
    }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        container: containerResource.container,
        target: target(undefined, containerResource.targetAverageValue, containerResource.targetAverageUtilization),
      },
    }),
    ...(external && {
      external: {
        metric: { name: external.metricName, ...(external.metricSelector && { selector: external.metricSelector }) },
        target: target(external.targetValue, external.targetAverageValue),
      },
    }),
  }
}

const current = (value: string | undefined, averageValue: string | undefined, averageUtilization?: number) => ({
  ...(value !== undefined && { value }),
  ...(averageValue !== undefined && { averageValue }),
  ...(averageUtilization !== undefined && { averageUtilization }),
})

function statusFromV1({ type, object, pods, resource, containerResource, external }: V1Metric): V2MetricStatus {
  return {
    type,
    ...(object && {
      object: {
        describedObject: object.target,
        metric: { name: object.metricName },
        current: current(object.currentValue, object.averageValue),
      },
    }),
    ...(pods && { pods: { metric: { name: pods.metricName }, current: current(undefined, pods.currentAverageValue) } }),
    ...(resource && {
      resource: {
        name: resource.name,
        current: current(undefined, resource.currentAverageValue, resource.currentAverageUtilization),
      },
    }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        container: containerResource.container,
        current: current(undefined, containerResource.currentAverageValue, containerResource.currentAverageUtilization),
      },
    }),
    ...(external && {
      external: {
        metric: { name: external.metricName, ...(external.metricSelector && { selector: external.metricSelector }) },
        current: current(external.currentValue, external.currentAverageValue),
      },
    }),
  }
}
