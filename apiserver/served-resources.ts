/** Which resources this server serves now, found by group, version and plural name; custom ones come and go at run time. */
import type { ResourceDefinition, ResourceNames } from './resources/resource.ts'
import type { StoredResource } from './storage/store.ts'

/** A resource in one of the versions that it is served in. */
export interface ServedResource {
  definition: ResourceDefinition
  version: string
  /** `apps/v1`, or `v1` for the core group. */
  apiVersion: string
  /** Where its objects are: `/registry/<group>/<resource>/`. */
  prefix: string
  /** What a body may call itself besides, where no path says the version: older ones of a subresource's kind. */
  alsoTaken?: readonly string[]
  /** Objects are stored in this version, so that their bytes can be written out as they are. */
  isStorageVersion: boolean
}

export interface ServedResources {
  find(group: string, version: string, plural: string): ServedResource | undefined
  /** Each group's resources, in the order in which they were added. Empty group first. */
  groups(): ReadonlyMap<string, readonly ResourceDefinition[]>
  /** Takes the place of what there was of that group and plural. Several: a resource that differs from version to version. */
  add(...definitions: ResourceDefinition[]): void
  remove(group: string, plural: string): void
  /** Rises with each change: what discovery and OpenAPI documents are cached by. */
  generation(): number
}

export const groupVersion = (group: string, version: string): string => (group ? `${group}/${version}` : version)

const storageGroup = ({ group, storageGroup = group }: ResourceNames): string => storageGroup

export const storagePrefix = ({ names }: ResourceDefinition): string =>
  `/registry/${storageGroup(names) || 'core'}/${names.plural}/`

export const storageApiVersion = (names: ResourceNames): string => groupVersion(storageGroup(names), names.storageVersion)

export const keyFor = (prefix: string, namespace: string, name: string): string =>
  namespace ? `${prefix}${namespace}/${name}` : prefix + name

export function createServedResources(definitions: readonly ResourceDefinition[]): ServedResources {
  const served = new Map<string, ServedResource>()
  const groups = new Map<string, ResourceDefinition[]>([['', []]])
  let generation = 0

  const remove = (group: string, plural: string) => {
    generation++
    const rest = (groups.get(group) ?? []).filter(({ names }) => names.plural !== plural)
    if (rest.length > 0 || group === '') groups.set(group, rest)
    else groups.delete(group)
    for (const [key, { definition }] of served)
      if (definition.names.group === group && definition.names.plural === plural) served.delete(key)
  }
  const add = (...added: ResourceDefinition[]) => {
    for (const { names } of added) remove(names.group, names.plural)
    for (const definition of added) addOne(definition)
  }
  const addOne = (definition: ResourceDefinition) => {
    const { group, plural, versions } = definition.names
    groups.set(group, [...(groups.get(group) ?? []), definition])
    const prefix = storagePrefix(definition)
    for (const version of versions)
      served.set(`${group}/${version}/${plural}`, {
        definition,
        version,
        apiVersion: groupVersion(group, version),
        prefix,
        isStorageVersion: !definition.changesOnRead && groupVersion(group, version) === storageApiVersion(definition.names),
      })
  }
  for (const definition of definitions) addOne(definition)
  return {
    find: (group, version, plural) => served.get(`${group}/${version}/${plural}`),
    groups: () => groups,
    add,
    remove,
    generation: () => generation,
  }
}

export function toStoredResource(definition: ResourceDefinition): StoredResource {
  const { names, selectableFields = {}, indexedFields = [] } = definition
  const fields = Object.entries(selectableFields)
  return {
    prefix: storagePrefix(definition),
    namespaced: names.namespaced,
    selectableFields: (object) => Object.fromEntries(fields.map(([field, valueOf]) => [field, valueOf(object)])),
    indexedFields,
  }
}
