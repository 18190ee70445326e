/** Each kind of metric: what it is called, what it makes of a reading, how it is shown in the status. Pure. */
import type { V2MetricSpec, V2MetricStatus, V2MetricTarget } from '../../../api/generated/types.ts'
import { quantityFromMilli, quantityMilliValue, quantityToString } from '../../../api/quantity.ts'
import {
  type Basis,
  forAverage,
  forShare,
  forUtilization,
  forValue,
  MetricError,
  type Proposal,
  type Reading,
  type Sample,
} from './replicas.ts'

export const sourceName = ({ resource, containerResource, pods, object, external }: V2MetricSpec): string =>
  resource?.name ?? containerResource?.name ?? (pods ?? object ?? external)?.metric.name ?? ''

/** As conditions and events name it. */
export function metricName(metric: V2MetricSpec): string {
  const name = sourceName(metric)
  switch (metric.type) {
    case 'Resource':
      return metric.resource?.target.averageUtilization === undefined
        ? `${name} resource`
        : `${name} resource utilization (percentage of request)`
    case 'ContainerResource':
      return metric.containerResource?.target.averageUtilization === undefined
        ? `${name} container resource`
        : `${name} container resource utilization (percentage of request)`
    case 'Object':
      return metric.object?.target.averageValue === undefined
        ? `${metric.object?.describedObject.kind} metric ${name}`
        : `external metric ${name}`
    case 'External':
      return `external metric ${name}(${metric.external?.metric.selector ? `&LabelSelector${JSON.stringify(metric.external.metric.selector)}` : 'nil'})`
    default:
      return `pods metric ${name}`
  }
}

const text = (milli: number): string => quantityToString(quantityFromMilli(Math.trunc(milli)))
const milli = (quantity: string): number => Number(quantityMilliValue(quantity))

function perPod(reading: Reading): ReadonlyMap<string, Sample> {
  if ('perPod' in reading) return reading.perPod
  throw new MetricError('error' in reading ? reading.error : 'a value for each pod was expected')
}

function single(reading: Reading): number {
  if ('value' in reading) return reading.value
  throw new MetricError('error' in reading ? reading.error : 'one value was expected')
}

export function measure(
  metric: V2MetricSpec,
  reading: Reading,
  basis: Basis,
  statusReplicas: number,
): { replicas: number; status: V2MetricStatus } {
  const { type, resource, containerResource, pods, object, external } = metric
  if (resource) {
    const proposal = forResource(resource.name, undefined, resource.target, reading, basis)
    return { replicas: proposal.replicas, status: { type, resource: { name: resource.name, current: averages(proposal) } } }
  }
  if (containerResource) {
    const { name, container, target } = containerResource
    const proposal = forResource(name, container, target, reading, basis)
    return { replicas: proposal.replicas, status: { type, containerResource: { name, container, current: averages(proposal) } } }
  }
  if (pods) {
    const proposal = forAverage('', perPod(reading), milli(pods.target.averageValue ?? '0'), basis)
    return { replicas: proposal.replicas, status: { type, pods: { metric: pods.metric, current: averages(proposal) } } }
  }
  const whole = object ?? external
  if (!whole) throw new MetricError(`unknown metric source type ${JSON.stringify(type)}`)
  const [proposal, current] = forWhole(whole.target, single(reading), basis, statusReplicas, type)
  const status: V2MetricStatus = object
    ? { type, object: { metric: object.metric, describedObject: object.describedObject, current } }
    : { type, external: { metric: whole.metric, current } }
  return { replicas: proposal.replicas, status }
}

const averages = ({ average, utilization }: Proposal) => ({
  averageValue: text(average),
  ...(utilization === undefined ? {} : { averageUtilization: utilization }),
})

function forResource(
  name: string,
  container: string | undefined,
  target: V2MetricTarget,
  reading: Reading,
  basis: Basis,
): Proposal {
  if (target.averageValue !== undefined) return forAverage(name, perPod(reading), milli(target.averageValue), basis)
  if (target.averageUtilization === undefined) {
    throw new MetricError(
      'invalid resource metric source: neither an average utilization target nor an average value target was set',
    )
  }
  return forUtilization(name, container, perPod(reading), target.averageUtilization, basis)
}

function forWhole(
  { value, averageValue }: V2MetricTarget,
  reading: number,
  basis: Basis,
  statusReplicas: number,
  type: string,
): [Proposal, { value: string } | { averageValue: string }] {
  if (type === 'Object' ? value === undefined && averageValue !== undefined : averageValue !== undefined) {
    const proposal = forShare(reading, milli(averageValue!), statusReplicas, basis)
    return [proposal, { averageValue: text(proposal.average) }]
  }
  if (value === undefined) {
    throw new MetricError(
      `invalid ${type.toLowerCase()} metric source: neither a value target nor an average value target was set`,
    )
  }
  const proposal = forValue(reading, milli(value), basis)
  return [proposal, { value: text(proposal.average) }]
}
