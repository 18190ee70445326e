/** Between the version that an object is stored in and the one that it is served in. */
import type { KubeObject } from '../api/object.ts'
import { storageApiVersion, type ServedResource } from './served-resources.ts'

/** The object as this served version shows it. May answer the same object; never changes it. */
export function fromStorageVersion(
  { definition, version, apiVersion, isStorageVersion }: ServedResource,
  object: KubeObject,
): KubeObject {
  if (isStorageVersion) return object
  const conversion = definition.conversions?.[version]
  return { ...(conversion ? conversion.fromStorage(object) : object), apiVersion }
}

/** As `fromStorageVersion`, for kinds whose versions a webhook converts as well. */
export function readFromStorage(resource: ServedResource, object: KubeObject): KubeObject | Promise<KubeObject> {
  const { convert } = resource.definition
  return convert ? convert.ahead([object]).then(() => fromStorageVersion(resource, object)) : fromStorageVersion(resource, object)
}

/** What is written: where a webhook converts, the object has been in the version of the request until now. */
export const toWritten = ({ definition: { convert } }: ServedResource, object: KubeObject): KubeObject | Promise<KubeObject> =>
  convert ? convert.toStorage(object) : object

export function toStorageVersion({ definition, version, isStorageVersion }: ServedResource, object: KubeObject): KubeObject {
  if (isStorageVersion) return object
  const { names, conversions, convert } = definition
  if (convert) return object
  const conversion = conversions?.[version]
  return {
    ...(conversion ? conversion.toStorage(object) : object),
    apiVersion: storageApiVersion(names),
  }
}
