/** metrics.k8s.io/v1beta1: what nodes and pods use, as `kubectl top` and autoscalers ask for it. */
import { formatTime } from '../../api/time.ts'
import { isApiError, notFound, unknownPath } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { Clock } from '../../component/clock.ts'
import { podUsages, usageBetween } from './compute-usage.ts'
import type { Observation } from './observe-kubelets.ts'

export const group = 'metrics.k8s.io'
export const version = 'v1beta1'
const groupVersion = `${group}/${version}`
const root = `/apis/${groupVersion}`

export interface Source {
  client: Pick<ApiClient, 'raw'>
  clock: Clock
  observe: () => Promise<Observation>
}

export interface Answer {
  code: number
  body: object
}

interface Named {
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
}

const resources = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: [
    { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ],
}

export async function answer(source: Source, method: string, url: URL): Promise<Answer> {
  try {
    return { code: 200, body: await answerOrThrow(source, method, url) }
  } catch (error) {
    if (isApiError(error)) return { code: error.code, body: error.status }
    throw error
  }
}

async function answerOrThrow(source: Source, method: string, { pathname, searchParams }: URL): Promise<object> {
  if (method !== 'GET') throw unknownPath()
  if (pathname === root) return resources
  const rest = pathname.startsWith(`${root}/`) ? pathname.slice(root.length) : ''
  const match = /^(?:\/namespaces\/([^/]+))?\/(nodes|pods)(?:\/([^/]+))?$/.exec(rest)
  const [, namespace, resource, name] = match ?? []
  if (!resource || (resource === 'nodes' && namespace) || (resource === 'pods' && name && !namespace)) throw unknownPath()
  const selectors = ['labelSelector', 'fieldSelector'].flatMap((key) => {
    const value = searchParams.get(key)
    return value ? [[key, value] as const] : []
  })
  const named = { ...Object.fromEntries(selectors), ...(name ? { fieldSelector: `metadata.name=${name}` } : {}) }
  const items = resource === 'nodes' ? await nodeMetrics(source, named) : await podMetrics(source, namespace, named)
  if (!name) {
    const kind = resource === 'nodes' ? 'NodeMetricsList' : 'PodMetricsList'
    return { kind, apiVersion: groupVersion, metadata: {}, items }
  }
  const [found] = items
  if (!found) throw notFound(group, resource, namespace ? `${namespace}/${name}` : name)
  return found
}

/** Which there are, with their labels and nothing else. */
async function listNames(client: Source['client'], path: string, query: Record<string, string>): Promise<Named[]> {
  const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
  return (await client.raw<{ items: Named[] }>('GET', path, { query: { ...query, resourceVersion: '0' }, accept })).items
}

const metadataOf = ({ metadata: { name, namespace, labels } }: Named, clock: Clock) => ({
  name,
  ...(namespace ? { namespace } : {}),
  creationTimestamp: formatTime(clock.now()),
  ...(labels ? { labels } : {}),
})

async function nodeMetrics({ client, clock, observe }: Source, query: Record<string, string>): Promise<object[]> {
  const [nodes, { before, after }] = await Promise.all([listNames(client, '/api/v1/nodes', query), observe()])
  return nodes.flatMap((node) => {
    const sample = after.get(node.metadata.name)?.get('')
    const usage = sample && usageBetween(before.get(node.metadata.name)?.get(''), sample)
    return usage ? [{ kind: 'NodeMetrics', apiVersion: groupVersion, metadata: metadataOf(node, clock), ...usage }] : []
  })
}

async function podMetrics(
  { client, clock, observe }: Source,
  namespace: string | undefined,
  query: Record<string, string>,
): Promise<object[]> {
  const path = namespace ? `/api/v1/namespaces/${namespace}/pods` : '/api/v1/pods'
  const [pods, { before, after }] = await Promise.all([listNames(client, path, query), observe()])
  const usages = new Map([...after].flatMap(([node, samples]) => [...podUsages(before.get(node) ?? new Map(), samples)]))
  return pods.flatMap((pod) => {
    const found = usages.get(`${pod.metadata.namespace}/${pod.metadata.name}`)
    if (!found) return []
    const { timestamp, window, containers } = found
    return [{ kind: 'PodMetrics', apiVersion: groupVersion, metadata: metadataOf(pod, clock), timestamp, window, containers }]
  })
}
