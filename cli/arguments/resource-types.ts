/** What users call resources: `po`, `deployments`, `deploy.apps`, resolved by our own table first, by discovery for the rest. */
import { KINDS } from '../../api/kinds.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { CliError } from '../errors.ts'

export interface ResourceType {
  group: string
  version: string
  kind: string
  plural: string
  singular: string
  shortNames: readonly string[]
  namespaced: boolean
  verbs: readonly string[]
  categories: readonly string[]
}

export interface ResourceTypes {
  /** Throws what kubectl says of a type that does not exist. */
  find(name: string): Promise<ResourceType>
  ofKind(apiVersion: string, kind: string): Promise<ResourceType>
  /** Types of a category such as `all`; empty when the name is none. */
  inCategory(name: string): readonly ResourceType[]
  /** Everything the server serves, by discovery. */
  discover(): Promise<ResourceType[]>
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const BUILT_IN: readonly ResourceType[] = KINDS.map((info) => ({ ...info, version: info.versions[0], verbs: VERBS }))

export function createResourceTypes(client: ApiClient): ResourceTypes {
  let discovered: Promise<ResourceType[]> | undefined
  const discover = () => (discovered ??= discoverTypes(client))
  return {
    discover,
    inCategory: (name) => BUILT_IN.filter(({ categories }) => categories.includes(name)),
    find: async (name) => {
      const type = matchName(BUILT_IN, name) ?? matchName(await discover(), name)
      if (!type) throw new CliError(`the server doesn't have a resource type "${name}"`)
      return type
    },
    ofKind: async (apiVersion, kind) => {
      const matches = (type: ResourceType) => type.kind === kind && apiVersionOf(type) === apiVersion
      const type = BUILT_IN.find(matches) ?? (await discover()).find(matches)
      if (!type) {
        throw new CliError(
          `resource mapping not found: no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`,
        )
      }
      return type
    },
  }
}

export const apiVersionOf = ({ group, version }: ResourceType): string => (group ? `${group}/${version}` : version)

/** `pods`, `deployments.apps`: how messages name a type. */
export const qualifiedPlural = ({ group, plural }: ResourceType): string => (group ? `${plural}.${group}` : plural)
/** `pod`, `deployment.apps` */
export const qualifiedSingular = ({ group, kind }: ResourceType): string =>
  group ? `${kind.toLowerCase()}.${group}` : kind.toLowerCase()

/** `deploy`, `deployments.apps`, `deployments.v1.apps`; a group may be given by its beginning. */
export function matchName(types: readonly ResourceType[], text: string): ResourceType | undefined {
  const [name = '', ...rest] = text.toLowerCase().split('.')
  const group = rest.join('.')
  const named = types.filter(
    (type) =>
      type.plural === name || type.singular === name || type.kind.toLowerCase() === name || type.shortNames.includes(name),
  )
  if (rest.length === 0) return named[0]
  return (
    named.find((type) => type.group === group) ??
    named.find((type) => `${type.version}${type.group && `.${type.group}`}` === group) ??
    named.find((type) => group !== '' && type.group.startsWith(`${group}.`))
  )
}

export function pathOf(
  type: ResourceType,
  { namespace, name, subresource }: { namespace?: string | undefined; name?: string | undefined; subresource?: string } = {},
): string {
  const root = type.group ? `/apis/${type.group}/${type.version}` : `/api/${type.version}`
  const scope = type.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const item = name === undefined ? '' : `/${encodeURIComponent(name)}`
  return `${root}${scope}/${type.plural}${item}${subresource ? `/${subresource}` : ''}`
}

interface GroupList {
  groups: { name: string; preferredVersion: { version: string }; versions: { version: string }[] }[]
}

interface ResourceList {
  resources: {
    name: string
    singularName?: string
    namespaced: boolean
    kind: string
    verbs: string[]
    shortNames?: string[]
    categories?: string[]
  }[]
}

async function discoverTypes(client: ApiClient): Promise<ResourceType[]> {
  const { groups } = await client.raw<GroupList>('GET', '/apis')
  const versions = [
    { group: '', version: 'v1' },
    ...groups.flatMap(({ name, preferredVersion, versions: all }) =>
      [
        preferredVersion.version,
        ...all.map(({ version }) => version).filter((version) => version !== preferredVersion.version),
      ].map((version) => ({ group: name, version })),
    ),
  ]
  const lists = await Promise.all(
    versions.map(async ({ group, version }) => {
      const { resources } = await client.raw<ResourceList>('GET', group ? `/apis/${group}/${version}` : `/api/${version}`)
      return resources
        .filter(({ name }) => !name.includes('/'))
        .map((resource): ResourceType => ({
          group,
          version,
          kind: resource.kind,
          plural: resource.name,
          singular: resource.singularName || resource.kind.toLowerCase(),
          shortNames: resource.shortNames ?? [],
          namespaced: resource.namespaced,
          verbs: resource.verbs,
          categories: resource.categories ?? [],
        }))
    }),
  )
  return lists.flat()
}
