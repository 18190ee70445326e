/** What the API server serves right now, custom resources included: the map from kinds to paths for untyped work. */
import type { ApiClient } from '../client/api-client.ts'

export interface Resource {
  /** Empty for core. */
  group: string
  version: string
  /** Plural name. */
  resource: string
  kind: string
  namespaced: boolean
  verbs: readonly string[]
}

export interface Discovery {
  resources: Resource[]
  /** Group versions that did not answer, with why: an aggregated API that is down must not stop the rest. */
  failures: Map<string, Error>
}

interface GroupList {
  groups?: { name: string; preferredVersion: { groupVersion: string }; versions: { groupVersion: string }[] }[]
}

interface ResourceList {
  resources?: { name: string; kind: string; namespaced: boolean; verbs?: string[] }[]
}

/** The preferred version of each group: all versions of a resource hold the same objects. */
export async function discover(client: Pick<ApiClient, 'raw'>, signal?: AbortSignal): Promise<Discovery> {
  const options = signal ? { signal } : {}
  const { groups = [] } = await client.raw<GroupList>('GET', '/apis', options)
  const groupVersions = ['v1', ...groups.flatMap((group) => versionsOf(group))]
  const failures = new Map<string, Error>()
  const found = await Promise.all(
    groupVersions.map(async (groupVersion) => {
      try {
        const list = await client.raw<ResourceList>('GET', groupVersionPath(groupVersion), options)
        return (list.resources ?? [])
          .filter(({ name }) => !name.includes('/'))
          .map((resource) => toResource(groupVersion, resource))
      } catch (error) {
        failures.set(groupVersion, error as Error)
        return []
      }
    }),
  )
  return { resources: preferFirst(found.flat()), failures }
}

/** The preferred version first: a resource may exist only in another one. */
const versionsOf = ({ preferredVersion, versions }: NonNullable<GroupList['groups']>[number]): string[] => [
  ...new Set([preferredVersion.groupVersion, ...versions.map(({ groupVersion }) => groupVersion)]),
]

function preferFirst(resources: readonly Resource[]): Resource[] {
  const first = new Map<string, Resource>()
  for (const resource of resources) {
    const key = resourceKey(resource)
    if (!first.has(key)) first.set(key, resource)
  }
  return [...first.values()]
}

const toResource = (
  groupVersion: string,
  { name, kind, namespaced, verbs = [] }: NonNullable<ResourceList['resources']>[number],
): Resource => {
  const { group, version } = splitApiVersion(groupVersion)
  return { group, version, resource: name, kind, namespaced, verbs }
}

export function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/')
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}

/** `deployments.apps`, `pods`: the same for all versions. */
export const resourceKey = ({ group, resource }: Pick<Resource, 'group' | 'resource'>): string =>
  group ? `${resource}.${group}` : resource

const groupVersionPath = (groupVersion: string): string =>
  groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`

/** Without a name, the collection; without a namespace, all of them. */
export function pathOf(
  { group, version, resource, namespaced }: Resource,
  key: { namespace?: string | undefined; name?: string } = {},
): string {
  const root = groupVersionPath(group ? `${group}/${version}` : version)
  const scope = namespaced && key.namespace ? `/namespaces/${encodeURIComponent(key.namespace)}` : ''
  return `${root}${scope}/${resource}${key.name === undefined ? '' : `/${encodeURIComponent(key.name)}`}`
}
