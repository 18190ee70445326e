/** Asks the metrics APIs (resource, custom, external) what an autoscaler's metrics are right now. */
import { messageOf } from '../../../api/error-message.ts'
import type { V2CrossVersionObjectReference, V2MetricIdentifier, V2MetricSpec } from '../../../api/generated/types.ts'
import { formatLabelSelector } from '../../../api/labels.ts'
import { quantityMilliValue } from '../../../api/quantity.ts'
import { isNotFound, unknownPath } from '../../../api/status.ts'
import type { ApiClient } from '../../../client/api-client.ts'
import type { Reading, Sample } from './replicas.ts'

interface PodMetrics {
  metadata: { name: string }
  timestamp: string
  window: string
  containers: { name: string; usage: Record<string, string> }[]
}
interface MetricValue {
  describedObject: { name: string }
  timestamp: string
  windowSeconds?: number
  value: string
}

export interface MetricsReader {
  read(metric: V2MetricSpec, namespace: string, selector: string): Promise<Reading>
}

/** Where the objects of a reference are served: `deployments.apps`. */
export type ResourceOf = (reference: V2CrossVersionObjectReference) => Promise<string>

const milli = (quantity: string): number => Number(quantityMilliValue(quantity))
const query = (fields: Record<string, string>) => ({
  query: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')),
})

/** Where nobody serves the API at all, the words that people look for name what was asked for. */
const whyNot = (error: unknown, asked: string): string =>
  messageOf(error) === unknownPath().message ? `${messageOf(error)} (get ${asked})` : messageOf(error)

type Asked = Pick<ApiClient, 'raw'>

export function createMetricsReader(client: Asked, resourceOf: ResourceOf): MetricsReader {
  const dispatch = (
    { resource, containerResource, pods, object, external, type }: V2MetricSpec,
    namespace: string,
    selector: string,
  ) => {
    if (resource) return ofResource(client, resource.name, undefined, namespace, selector)
    if (containerResource) return ofResource(client, containerResource.name, containerResource.container, namespace, selector)
    if (pods) return ofPods(client, pods.metric, namespace, selector)
    if (object) return ofObject(client, resourceOf, object.metric, object.describedObject, namespace)
    if (external) return ofExternal(client, external.metric, namespace)
    return Promise.resolve({ error: `unknown metric source type ${JSON.stringify(type)}` })
  }
  return {
    // That a metric cannot be had is an answer: the autoscaler's conditions tell it.
    read: (metric, namespace, selector) =>
      dispatch(metric, namespace, selector).catch((error: unknown) => ({ error: messageOf(error) })),
  }
}

async function ofResource(
  client: Asked,
  name: string,
  container: string | undefined,
  namespace: string,
  labelSelector: string,
): Promise<Reading> {
  const { items } = await client
    .raw<{ items: PodMetrics[] }>('GET', `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`, query({ labelSelector }))
    .catch((error: unknown) => {
      throw new Error(
        `unable to get metrics for resource ${name}: unable to fetch metrics from resource metrics API: ${whyNot(error, 'pods.metrics.k8s.io')}`,
      )
    })
  if (items.length === 0) {
    throw new Error(`unable to get metrics for resource ${name}: no metrics returned from resource metrics API`)
  }
  return { perPod: new Map(items.flatMap((item) => sampleOf(item, name, container))) }
}

async function ofPods(client: Asked, metric: V2MetricIdentifier, namespace: string, labelSelector: string): Promise<Reading> {
  const { items } = await askCustom(client, `namespaces/${namespace}/pods/*`, metric, labelSelector).catch((error: unknown) => {
    throw new Error(`unable to get metric ${metric.name}: unable to fetch metrics from custom metrics API: ${messageOf(error)}`)
  })
  const sample = ({ value, timestamp, windowSeconds = 60 }: MetricValue): Sample => ({
    milli: milli(value),
    at: Date.parse(timestamp),
    windowMs: windowSeconds * 1000,
  })
  return { perPod: new Map(items.map((item) => [item.describedObject.name, sample(item)])) }
}

async function ofObject(
  client: Asked,
  resourceOf: ResourceOf,
  metric: V2MetricIdentifier,
  of: V2CrossVersionObjectReference,
  namespace: string,
): Promise<Reading> {
  const found = async () => {
    const path =
      of.kind === 'Namespace' ? `namespaces/${of.name}/metrics` : `namespaces/${namespace}/${await resourceOf(of)}/${of.name}`
    const [item] = (await askCustom(client, path, metric, '')).items
    if (!item) throw new Error('no metrics returned from custom metrics API')
    return item
  }
  const item = await found().catch((error: unknown) => {
    throw new Error(
      `unable to get metric ${metric.name}: ${of.kind} on ${namespace} ${of.name}/unable to fetch metrics from custom metrics API: ${messageOf(error)}`,
    )
  })
  return { value: milli(item.value) }
}

async function ofExternal(client: Asked, metric: V2MetricIdentifier, namespace: string): Promise<Reading> {
  const labelSelector = metric.selector ? formatLabelSelector(metric.selector) : ''
  const url = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric.name)}`
  const { items } = await client
    .raw<{ items: { value: string }[] }>('GET', url, query({ labelSelector }))
    .catch((error: unknown) => {
      throw new Error(
        `unable to get external metric ${namespace}/${metric.name}/${labelSelector || 'nil'}: unable to fetch metrics from external metrics API: ${whyNot(error, `${metric.name}.external.metrics.k8s.io`)}`,
      )
    })
  if (items.length === 0) throw new Error(`unable to get external metric ${namespace}/${metric.name}: no metrics returned`)
  return { value: items.reduce((total, { value }) => total + milli(value), 0) }
}

async function askCustom(
  client: Asked,
  path: string,
  metric: V2MetricIdentifier,
  labelSelector: string,
): Promise<{ items: MetricValue[] }> {
  const { preferredVersion } = await client
    .raw<{ preferredVersion: { groupVersion: string } }>('GET', '/apis/custom.metrics.k8s.io')
    .catch((error: unknown) => {
      throw isNotFound(error) ? new Error('no custom metrics API (custom.metrics.k8s.io) registered') : error
    })
  const metricLabelSelector = metric.selector ? formatLabelSelector(metric.selector) : ''
  const url = `/apis/${preferredVersion.groupVersion}/${path}/${encodeURIComponent(metric.name)}`
  return client.raw<{ items: MetricValue[] }>('GET', url, query({ labelSelector, metricLabelSelector }))
}

/** Nothing for a pod of which a container is not measured: half a sum misleads. */
function sampleOf(
  { metadata, timestamp, window, containers }: PodMetrics,
  resource: string,
  container: string | undefined,
): [string, Sample][] {
  const counted = containers.filter(({ name }) => container === undefined || name === container)
  const usages = counted.map(({ usage }) => usage[resource])
  if (usages.length === 0 || usages.includes(undefined)) return []
  const windowMs = /^[\d.]+s$/.test(window) ? Number.parseFloat(window) * 1000 : 60_000
  const used = usages.reduce((total, usage) => total + milli(usage!), 0)
  return [[metadata.name, { milli: used, at: Date.parse(timestamp), windowMs }]]
}
