/** What this server serves, in the forms that clients ask for it: a document a group version, or all of it at once. */
import { createHash } from 'node:crypto'
import { unknownPath } from '../../api/status.ts'
import { mergeAggregated, mergeGroups } from '../aggregation/merge-discovery.ts'
import type { ApiContext, ApiRequest } from '../api-context.ts'
import { negotiate } from '../answers/negotiate.ts'
import type { ResourceDefinition, ResourceNames } from '../resources/resource.ts'
import { sendBytes, sendKind } from '../answers/respond.ts'
import { groupVersion, type ServedResources } from '../served-resources.ts'
import { subresourcesOf } from '../subresources.ts'
import { BINDING_DEFINITION } from './binding.ts'
import { REVIEW_DEFINITIONS } from './review.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** `/api`, `/apis` and what is below them down to the group version. Throws 404. */
export async function discovery(context: ApiContext, request: ApiRequest): Promise<void> {
  const { info, raw } = request
  const [root, group, version, ...more] = info.path.split('/').filter((part) => part !== '')
  if (more.length > 0) throw unknownPath()
  if (group === undefined) {
    const accepted = negotiate(raw.headers.accept, ['APIGroupDiscoveryList'])
    if (accepted.as) return sendAggregated(context, request, root === 'api', accepted.asVersion ?? 'v2')
    return sendKind(request, 200, root === 'api' ? apiVersions(request) : groupList(context))
  }
  const resources = context.resources
  if (root === 'api') {
    if (group !== 'v1' || version !== undefined) throw unknownPath()
    return sendKind(request, 200, resourceList(resources, '', 'v1'))
  }
  if (version === undefined) {
    const found = allGroups(context).find(({ name }) => name === group)
    if (!found) throw unknownPath()
    return sendKind(request, 200, { kind: 'APIGroup', apiVersion: 'v1', ...found })
  }
  const definitions = groupsOf(resources).get(group)
  if (!definitions) throw unknownPath()
  if (!versionsOf(definitions).includes(version)) throw unknownPath()
  return sendKind(request, 200, resourceList(resources, group, version))
}

const apiVersions = ({ raw }: ApiRequest) => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [
    {
      clientCIDR: '0.0.0.0/0',
      serverAddress: `${raw.socket.localAddress?.replace('::ffff:', '') ?? ''}:${raw.socket.localPort ?? ''}`,
    },
  ],
})

/** What is served by group: stored resources, and the reviews and bindings, which are not stored. */
function groupsOf(resources: ServedResources): Map<string, readonly ResourceDefinition[]> {
  const groups = new Map(resources.groups())
  for (const definition of [BINDING_DEFINITION, ...REVIEW_DEFINITIONS]) {
    const { group } = definition.names
    groups.set(group, [...(groups.get(group) ?? []), definition])
  }
  return groups
}

const namedGroups = (resources: ServedResources) => [...groupsOf(resources)].filter(([group]) => group !== '')

const allGroups = ({ resources, aggregation }: ApiContext) =>
  mergeGroups(
    namedGroups(resources).map(([group, definitions]) => describeGroup(group, definitions)),
    aggregation.remotes.list(),
  )

const groupList = (context: ApiContext) => ({ kind: 'APIGroupList', apiVersion: 'v1', groups: allGroups(context) })

function describeGroup(name: string, definitions: readonly ResourceDefinition[]) {
  const versions = versionsOf(definitions).map((version) => ({ groupVersion: groupVersion(name, version), version }))
  return { name, versions, preferredVersion: versions[0] }
}

/** Stable versions first, the newest of them first, as clients expect the preferred one. */
export function versionsOf(definitions: readonly ResourceDefinition[]): string[] {
  return [...new Set(definitions.flatMap(({ names }) => names.versions))].sort(compareVersions)
}

function compareVersions(a: string, b: string): number {
  const [rankA, rankB] = [rankOf(a), rankOf(b)]
  const at = rankA.findIndex((part, index) => part !== rankB[index])
  return at < 0 ? 0 : rankB[at]! - rankA[at]!
}

function rankOf(version: string): [number, number, number] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (!match) return [-1, 0, 0]
  const stability = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0
  return [stability, Number(match[1]), Number(match[3] ?? 0)]
}

const servedIn = (definitions: readonly ResourceDefinition[], version: string) =>
  definitions
    .filter(({ names }) => names.versions.includes(version))
    .toSorted((a, b) => (a.names.plural < b.names.plural ? -1 : 1))

const resourceList = (resources: ServedResources, group: string, version: string) => ({
  kind: 'APIResourceList',
  ...(group && { apiVersion: 'v1' }),
  groupVersion: groupVersion(group, version),
  resources: servedIn(groupsOf(resources).get(group) ?? [], version).flatMap(describeResource),
})

function describeResource(definition: ResourceDefinition): object[] {
  const { names, verbs = VERBS } = definition
  const { plural, singular, namespaced, kind, shortNames, categories } = names
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: [...verbs].sort(),
      ...(shortNames.length > 0 && { shortNames }),
      ...(categories.length > 0 && { categories }),
      ...(verbs.includes('watch') && { storageVersionHash: storageVersionHash(names) }),
    },
    ...subresourcesOf(definition).map((sub) => ({
      name: `${plural}/${sub.name}`,
      singularName: '',
      namespaced,
      ...(sub.group !== undefined && { group: sub.group }),
      ...(sub.version !== undefined && { version: sub.version }),
      kind: sub.kind ?? kind,
      verbs: Object.keys(sub.verbs).sort(),
    })),
  ]
}

/** By which a client that migrates stored objects sees that the version they are stored in has changed. */
function storageVersionHash({ group, storageGroup = group, storageVersion, kind }: ResourceNames): string {
  const hash = createHash('sha256').update(`${storageGroup}/${storageVersion}/${kind}`).digest()
  return hash.subarray(0, 8).toString('base64')
}

/** One document for all groups saves kubectl forty requests. */
async function sendAggregated(context: ApiContext, request: ApiRequest, core: boolean, asVersion: string): Promise<void> {
  const groups = [...groupsOf(context.resources)].filter(([group]) => (group === '') === core)
  const items = groups.map(([group, definitions]) => ({
    name: group,
    metadata: { ...(group && { name: group }), creationTimestamp: null },
    versions: versionsOf(definitions).map((version) => ({
      version,
      resources: servedIn(definitions, version).map((definition) => describeForAggregate(definition, version)),
      freshness: 'Current',
    })),
  }))
  const document = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${asVersion}`,
    metadata: {},
    items: core ? items.map(({ metadata, versions }) => ({ metadata, versions })) : mergeAggregated(items, context.aggregation),
  }
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${asVersion};as=APIGroupDiscoveryList`
  await sendBytes(request, 200, Buffer.from(JSON.stringify(document)), contentType)
}

function describeForAggregate(definition: ResourceDefinition, version: string) {
  const { names, verbs = VERBS } = definition
  const { group, plural, singular, namespaced, kind, shortNames, categories } = names
  const subresources = subresourcesOf(definition).map((sub) => ({
    subresource: sub.name,
    responseKind: { group: sub.group ?? group, version: sub.version ?? version, kind: sub.kind ?? kind },
    verbs: Object.keys(sub.verbs).sort(),
  }))
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: [...verbs].sort(),
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && { subresources }),
  }
}
