/** metadata.managedFields: who set which field last, kept with every write. */
import type { JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { trackUpdate } from '../../api/patch/apply.ts'
import { mergeTypeOfCustomResource, mergeTypeOfModel, type MergeType } from '../../api/patch/merge-type.ts'
import type { ResourceRequest } from '../api-context.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import { fromStorageVersion, toStorageVersion } from '../storage-version.ts'
import type { WriteOptions } from './write-options.ts'

/** How the fields of this resource, in the version of the request, are owned. */
export function mergeTypeOf({ resource: { definition, version } }: Pick<ResourceRequest, 'resource'>): MergeType {
  const model = definition.models[version]
  if (model !== undefined) return mergeTypeOfModel(model)
  let type = customTypes.get(definition)?.get(version)
  if (!type) {
    type = mergeTypeOfCustomResource(definition.schemas?.[version] as JsonObject | undefined)
    const known = customTypes.get(definition) ?? new Map<string, MergeType>()
    customTypes.set(definition, known.set(version, type))
  }
  return type
}

const customTypes = new WeakMap<ResourceDefinition, Map<string, MergeType>>()

/** Records the writer in `object`, which is in the version of the request. */
function recordManager(
  request: ResourceRequest,
  object: KubeObject,
  old: KubeObject | undefined,
  { fieldManager }: WriteOptions,
  now: Date,
): void {
  const managedFields = trackUpdate({
    old: old && (fromStorageVersion(request.resource, old) as unknown as JsonObject),
    new: object as unknown as JsonObject,
    manager: fieldManager,
    type: mergeTypeOf(request),
    now,
    subresource: request.info.subresource,
  })
  if (managedFields && managedFields.length > 0) object.metadata.managedFields = managedFields
  else delete object.metadata.managedFields
}

/** As `recordManager`, for an object that is in its storage version already. In place. */
export function recordManagerOfStored(
  request: ResourceRequest,
  object: KubeObject,
  old: KubeObject | undefined,
  options: WriteOptions,
  now: Date,
): void {
  const { resource } = request
  const shown = fromStorageVersion(resource, object)
  recordManager(request, shown, old, options, now)
  const { managedFields } = toStorageVersion(resource, shown).metadata
  if (managedFields) object.metadata.managedFields = managedFields
  else delete object.metadata.managedFields
}
