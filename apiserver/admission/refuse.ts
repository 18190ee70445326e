/** The 403 of an admission plugin, and the questions that most plugins begin with. */
import { forbidden, type ApiError } from '../../api/status.ts'
import type { AdmissionAttributes } from './plugin.ts'

/** `pods "x" is forbidden: <why>`. An object that has no name yet goes by its `generateName`. */
export function refuse(attributes: AdmissionAttributes, why: string): ApiError {
  return forbidden(attributes.group, attributes.resource, nameOf(attributes), why)
}

function nameOf({ name, object }: AdmissionAttributes): string {
  return name || object?.metadata.name || object?.metadata.generateName || 'Unknown'
}

/** Is this a write of the resource itself, not of a subresource? Resource as `pods` or `ingresses.networking.k8s.io`. */
export function isWriteOf(
  attributes: AdmissionAttributes,
  resource: string,
  ...operations: AdmissionAttributes['operation'][]
): boolean {
  return attributes.subresource === '' && operations.includes(attributes.operation) && isResource(attributes, resource)
}

export function isResource({ resource, group }: AdmissionAttributes, wanted: string): boolean {
  if (group === '') return resource === wanted
  return wanted.length === resource.length + 1 + group.length && wanted.startsWith(resource) && wanted.endsWith(`.${group}`)
}
