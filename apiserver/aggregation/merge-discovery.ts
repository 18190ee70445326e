/** What other API servers serve, in the documents that say what this one does. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { Aggregation } from './aggregation.ts'

export interface GroupVersionDescription {
  groupVersion: string
  version: string
}

export interface GroupDescription {
  name: string
  versions: GroupVersionDescription[]
  preferredVersion: GroupVersionDescription | undefined
}

type Remotes = ReturnType<Aggregation['remotes']['list']>

/** By the group's priority, then by the version's: how clients choose among what is called the same. */
const sorted = (remotes: Remotes) =>
  remotes.toSorted(
    (a, b) =>
      b.spec.groupPriorityMinimum - a.spec.groupPriorityMinimum ||
      (a.group < b.group ? -1 : a.group > b.group ? 1 : 0) ||
      b.spec.versionPriority - a.spec.versionPriority,
  )

/** Groups of other servers come after ours; a version of a group that we serve as well is one more of its versions. */
export function mergeGroups(groups: readonly GroupDescription[], remotes: Remotes): GroupDescription[] {
  const merged = new Map(groups.map((group) => [group.name, { ...group, versions: [...group.versions] }]))
  for (const { group, version } of sorted(remotes)) {
    const known = merged.get(group) ?? { name: group, versions: [], preferredVersion: undefined }
    merged.set(group, known)
    if (!known.versions.some((one) => one.version === version))
      known.versions.push({ groupVersion: `${group}/${version}`, version })
    known.preferredVersion ??= known.versions[0]
  }
  return [...merged.values()]
}

export interface AggregatedGroup {
  metadata: object
  versions: object[]
}

/** As `mergeGroups`, for the one document that says it all. */
export function mergeAggregated(
  groups: readonly (AggregatedGroup & { name: string })[],
  { remotes, resources }: Pick<Aggregation, 'remotes' | 'resources'>,
): AggregatedGroup[] {
  const all = remotes.list()
  const remoteVersions = new Set(all.map(({ group, version }) => `${group}/${version}`))
  const merged = new Map(
    groups.map(({ name, metadata, versions }) => {
      const own = versions.filter((one) => !remoteVersions.has(`${name}/${(one as { version: string }).version}`))
      return [name, { metadata, versions: own }]
    }),
  )
  for (const { name, group, version, available } of sorted(all)) {
    const known = merged.get(group) ?? { metadata: { name: group, creationTimestamp: null }, versions: [] }
    merged.set(group, known)
    known.versions.push({
      version,
      resources: describeResources(group, version, resources(name)),
      freshness: available ? 'Current' : 'Stale',
    })
  }
  return [...merged.values()]
}

/** Subresources are lines of their own in an APIResourceList, and members of their resource here. */
export function describeResources(group: string, version: string, list: unknown): object[] {
  const lines = isJsonObject(list) && Array.isArray(list.resources) ? list.resources.filter(isJsonObject) : []
  const nameOf = ({ name }: JsonObject) => String(name ?? '')
  const kindOf = (line: JsonObject) => ({
    group: String(line.group || group),
    version: String(line.version || version),
    kind: String(line.kind ?? ''),
  })
  return lines
    .filter((line) => !nameOf(line).includes('/'))
    .map((line) => {
      const subresources = lines
        .filter((one) => nameOf(one).startsWith(`${nameOf(line)}/`))
        .map((one) => ({
          subresource: nameOf(one).slice(nameOf(line).length + 1),
          responseKind: kindOf(one),
          verbs: one.verbs ?? [],
        }))
      return {
        resource: nameOf(line),
        responseKind: kindOf(line),
        scope: line.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: line.singularName ?? '',
        verbs: line.verbs ?? [],
        ...(line.shortNames && { shortNames: line.shortNames }),
        ...(line.categories && { categories: line.categories }),
        ...(subresources.length > 0 && { subresources }),
      }
    })
}
