/** Bodies of subresources whose kind is not the resource's own: Binding, Eviction, Scale, TokenRequest. */
import type { ResourceRequest } from '../api-context.ts'
import { decodeObject, readFieldValidation, readObject } from './decode-object.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import { groupVersion, type ServedResource } from '../served-resources.ts'

export async function readBodyObject<T>(
  request: ResourceRequest,
  group: string,
  version: string,
  kind: string,
  model: string,
  alsoTaken: readonly string[] = [],
): Promise<T> {
  const resource: ServedResource = { ...bodyResource(group, version, kind, model), alsoTaken }
  return (await readObject({ ...request, resource }, 'CreateOptions')) as T
}

/** As `readBodyObject`, for a value that is there already. */
export function decodeBodyObject<T>(
  request: ResourceRequest,
  value: Record<string, unknown>,
  group: string,
  version: string,
  kind: string,
  model: string,
): T {
  const resource = bodyResource(group, version, kind, model)
  return decodeObject({ ...request, resource }, value, readFieldValidation(request.info.query, 'PatchOptions')) as T
}

/** As if it were a resource, for decoding and for tables. */
export function bodyResource(group: string, version: string, kind: string, model: string): ServedResource {
  const names = {
    group,
    versions: [version],
    storageVersion: version,
    kind,
    listKind: `${kind}List`,
    plural: '',
    singular: '',
    shortNames: [],
    categories: [],
    namespaced: true,
  }
  const definition: ResourceDefinition = { names, models: { [version]: model } }
  return { definition, version, apiVersion: groupVersion(group, version), prefix: '', isStorageVersion: true }
}
