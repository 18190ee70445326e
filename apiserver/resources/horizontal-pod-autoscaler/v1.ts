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
  if (others.length > 0) annotations[METRICS] = JSON.stringify(others.map((metric) => metricToV1('target', metric)))
  const current = status?.currentMetrics ?? []
  const currentCpu = current.find(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu')
  if (current.length > 0) annotations[CURRENT_METRICS] = JSON.stringify(current.map((metric) => metricToV1('current', metric)))
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

/** v1 says `targetValue` where v2 says `target.value`, and `currentValue` where it says `current.value`. */
type Word = 'target' | 'current'

type V1Numbers = { [name in `${Word}Value` | `${Word}AverageValue`]?: string } & {
  [name in `${Word}AverageUtilization`]?: number
}
interface V2Value {
  value?: string | undefined
  averageValue?: string | undefined
  averageUtilization?: number | undefined
}
type V2Numbers = { [word in Word]?: V2Value }
type Selector = NonNullable<V2MetricSpec['external']>['metric']['selector']
type Described = NonNullable<V2MetricSpec['object']>['describedObject']

/** The flat form that v1's annotations have, of the metrics of a spec and of those of a status. */
interface V1Metric {
  type: string
  object?: V1Numbers & { target: Described; metricName: string; averageValue?: string }
  pods?: V1Numbers & { metricName: string }
  resource?: V1Numbers & { name: string }
  containerResource?: V1Numbers & { name: string; container: string }
  external?: V1Numbers & { metricName: string; metricSelector?: Selector }
}

interface V2Metric {
  type: string
  object?: (V2Numbers & { describedObject: Described; metric: { name: string } }) | undefined
  pods?: (V2Numbers & { metric: { name: string } }) | undefined
  resource?: (V2Numbers & { name: string }) | undefined
  containerResource?: (V2Numbers & { name: string; container: string }) | undefined
  external?: (V2Numbers & { metric: { name: string; selector?: Selector } }) | undefined
}

function metricToV1(word: Word, { type, object, pods, resource, containerResource, external }: V2Metric): object {
  const value = (source: V2Numbers) => ({ [`${word}Value`]: source[word]?.value })
  const average = (source: V2Numbers) => ({ [`${word}AverageValue`]: source[word]?.averageValue })
  const utilization = (source: V2Numbers) => ({ [`${word}AverageUtilization`]: source[word]?.averageUtilization })
  return {
    type,
    ...(object && {
      object: {
        target: object.describedObject,
        metricName: object.metric.name,
        ...value(object),
        averageValue: object[word]?.averageValue,
      },
    }),
    ...(pods && { pods: { metricName: pods.metric.name, ...average(pods) } }),
    ...(resource && { resource: { name: resource.name, ...utilization(resource), ...average(resource) } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name,
        container: containerResource.container,
        ...utilization(containerResource),
        ...average(containerResource),
      },
    }),
    ...(external && {
      external: {
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        ...value(external),
        ...average(external),
      },
    }),
  }
}

function metricFromV1(word: Word, { type, object, pods, resource, containerResource, external }: V1Metric) {
  const numbers = (source: V1Numbers, averageValue = source[`${word}AverageValue`]) => {
    const value = source[`${word}Value`]
    const averageUtilization = source[`${word}AverageUtilization`]
    const hasAverage = averageValue !== undefined
    return {
      [word]: {
        ...(word === 'target' && {
          type: averageUtilization !== undefined ? 'Utilization' : hasAverage ? 'AverageValue' : 'Value',
        }),
        ...(averageUtilization !== undefined && { averageUtilization }),
        ...(hasAverage && { averageValue }),
        // A target is one number: the average, where there is one.
        ...(value !== undefined && !(word === 'target' && hasAverage) && { value }),
      },
    }
  }
  return {
    type,
    ...(object && {
      object: {
        describedObject: object.target,
        metric: { name: object.metricName },
        ...numbers(object, object.averageValue),
      },
    }),
    ...(pods && { pods: { metric: { name: pods.metricName }, ...numbers(pods) } }),
    ...(resource && { resource: { name: resource.name, ...numbers(resource) } }),
    ...(containerResource && {
      containerResource: { name: containerResource.name, container: containerResource.container, ...numbers(containerResource) },
    }),
    ...(external && {
      external: {
        metric: { name: external.metricName, ...(external.metricSelector && { selector: external.metricSelector }) },
        ...numbers(external),
      },
    }),
  }
}

const specFromV1 = (metric: V1Metric) => metricFromV1('target', metric) as V2MetricSpec
const statusFromV1 = (metric: V1Metric) => metricFromV1('current', metric) as V2MetricStatus
