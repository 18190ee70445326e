/** The subresources of each resource: what serves them, and how discovery lists them. One line a subresource. */
import type { Endpoint } from './api-context.ts'
import { get } from './endpoints/get.ts'
import { patch } from './endpoints/patch.ts'
import { update } from './endpoints/update.ts'
import type { ResourceDefinition } from './resources/resource.ts'

export interface Subresource {
  name: string
  /** Kind of its bodies, when it is not the resource's own. */
  kind?: string
  group?: string
  version?: string
  /** By verb of the request. */
  verbs: Readonly<Record<string, Endpoint>>
}

export const status: Subresource = { name: 'status', verbs: { get, patch, update } }

const none: readonly Subresource[] = []
const special = new Map<string, readonly Subresource[]>()

/** What this resource has, sorted by name. */
export function subresourcesOf({ names, hasStatus }: ResourceDefinition): readonly Subresource[] {
  const own = special.get(`${names.group}/${names.plural}`) ?? none
  return hasStatus ? [...own, status].sort((a, b) => (a.name < b.name ? -1 : 1)) : own
}

export const findSubresource = (definition: ResourceDefinition, name: string): Subresource | undefined =>
  name === 'status' && definition.hasStatus
    ? status
    : special.get(`${definition.names.group}/${definition.names.plural}`)?.find((one) => one.name === name)
