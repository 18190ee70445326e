/**
 * For tests: what controllers ask of an API server by path, answered from a cluster in memory. Discovery, objects of any kind as
 * the garbage collector and namespaces handle them, scale, reviews that allow everything, and the CPU that pods use.
 */
import { parseLabelSelector } from '../../api/labels.ts'
import { apiVersionOf, KINDS, type KindInfo, type KindName } from '../../api/kinds.ts'
import type { KubeObject, ObjectKey } from '../../api/object.ts'
import { badRequest, unknownPath } from '../../api/status.ts'
import { formatTime } from '../../api/time.ts'
import type { ApiClient, DeleteOptions, PatchType } from '../../client/api-client.ts'
import type { MemoryApiClient } from '../../client/memory-api-client.ts'

type Paths = Pick<ApiClient, 'raw' | 'watchPath'>
type RawOptions = Parameters<ApiClient['raw']>[2]

interface Target {
  info: KindInfo
  namespace: string | undefined
  name: string | undefined
  subresource: string | undefined
}

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const root = ({ group, versions }: KindInfo) => (group ? `/apis/${group}/${versions[0]}` : `/api/${versions[0]}`)
/** All pods of a selector use this much CPU together, however many they are. */
export const totalMilliCpu = 300

export function createPaths(server: MemoryApiClient, now: () => Date): Paths {
  return {
    raw: async (method, path, options = {}) => (await answer(server, now, method, path, options)) as never,
    watchPath(path, { query = {}, signal }) {
      const { info, namespace } = targetOf(path)
      return server.watch(info.kind, { namespace, resourceVersion: query['resourceVersion'], signal }) as never
    },
  }
}

async function answer(server: MemoryApiClient, now: () => Date, method: string, path: string, options: NonNullable<RawOptions>) {
  if (path.endsWith('/subjectaccessreviews')) return { status: { allowed: true } }
  const metrics = /^\/apis\/metrics\.k8s\.io\/v1beta1\/namespaces\/([^/]+)\/pods$/.exec(path)
  if (metrics) return podMetrics(server, metrics[1]!, options.query?.['labelSelector'] ?? '', now())
  const discovered = discover(path)
  if (discovered) return discovered
  const target = targetOf(path)
  if (target.subresource === 'scale') return scale(server, target, method, options.body)
  const { kind } = target.info
  if (target.name === undefined) return answerForAll(server, kind, target.namespace, method, options)
  const key: ObjectKey = { namespace: target.namespace, name: target.name }
  switch (method) {
    case 'GET':
      return server.get(kind, key)
    case 'PATCH':
      return server.patch(kind, key, options.body, { type: options.contentType as PatchType, cause: options.cause })
    case 'DELETE':
      return server.delete(kind, key, { ...(options.body as DeleteOptions), cause: options.cause })
  }
  throw badRequest(`no ${method} ${path} is simulated`)
}

async function answerForAll(
  server: MemoryApiClient,
  kind: KindName,
  namespace: string | undefined,
  method: string,
  options: NonNullable<RawOptions>,
) {
  const list = await server.list(kind, { namespace })
  if (method === 'GET') return list
  if (method !== 'DELETE') throw badRequest(`no ${method} of all is simulated`)
  for (const { metadata } of list.items as KubeObject[]) await server.delete(kind, metadata, options.body as DeleteOptions)
  return {}
}

/** Undefined when the path is none of discovery's. */
function discover(path: string): object | undefined {
  const groups = [...new Set(KINDS.map(({ group }) => group))].filter((group) => group !== '')
  if (path === '/apis') return { groups: groups.map(describeGroup) }
  const group = groups.find((name) => path === `/apis/${name}`)
  if (group) return describeGroup(group)
  const found = KINDS.filter((info) => root(info) === path)
  if (found.length === 0) return undefined
  return { resources: found.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced, verbs })) }
}

function describeGroup(name: string) {
  const versions = [...new Set(KINDS.filter(({ group }) => group === name).map((info) => apiVersionOf(info)))]
  return {
    name,
    preferredVersion: { groupVersion: versions[0] },
    versions: versions.map((groupVersion) => ({ groupVersion })),
  }
}

function targetOf(path: string): Target {
  const [, rest = ''] = /^\/api(?:s\/[^/]+)?\/[^/]+\/(.*)$/.exec(path) ?? []
  const parts = rest.split('/').map(decodeURIComponent)
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts.splice(0, 2)[1] : undefined
  const [plural, name, subresource] = parts
  const info = KINDS.find((each) => each.plural === plural && path.startsWith(`${root(each)}/`))
  if (!info) throw unknownPath()
  return { info, namespace, name, subresource }
}

interface Scaled extends KubeObject {
  spec: { replicas?: number; selector: { matchLabels: Record<string, string> } }
  status?: { replicas?: number }
}

async function scale(server: MemoryApiClient, { info, namespace, name = '' }: Target, method: string, body: unknown) {
  const key = { namespace, name }
  if (method === 'PUT') {
    const { replicas } = (body as Scaled).spec
    await server.patch(info.kind, key, { spec: { replicas } }, { type: 'application/merge-patch+json' })
  }
  const { metadata, spec, status } = (await server.get(info.kind, key)) as unknown as Scaled
  const selector = Object.entries(spec.selector.matchLabels)
    .map(([label, value]) => `${label}=${value}`)
    .join()
  return { kind: 'Scale', metadata, spec: { replicas: spec.replicas }, status: { replicas: status?.replicas ?? 0, selector } }
}

async function podMetrics(server: MemoryApiClient, namespace: string, labelSelector: string, now: Date) {
  const selector = parseLabelSelector(labelSelector)
  const pods = (await server.list('Pod', { namespace })).items.filter(
    ({ metadata, status }) => status?.phase === 'Running' && selector.matches(metadata.labels),
  )
  const usage = { cpu: `${Math.floor(totalMilliCpu / pods.length)}m` }
  return {
    items: pods.map(({ metadata }) => ({
      metadata: { name: metadata.name },
      timestamp: formatTime(now),
      window: '30s',
      containers: [{ name: 'c', usage }],
    })),
  }
}
