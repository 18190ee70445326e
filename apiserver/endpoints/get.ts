/** GET of one object: the newest committed version, or what the cache holds when `resourceVersion` says that this will do. */
import { badRequest, notFound } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { parseRevision } from '../reads/list-options.ts'
import { invalidPathSegment } from '../requests/request-info.ts'
import { sendEntry } from '../answers/send-object.ts'
import { keyFor } from '../served-resources.ts'
import type { Entry } from '../storage/store.ts'

export async function get(context: ApiContext, request: ResourceRequest): Promise<void> {
  await catchUp(context, request.info.query.get('resourceVersion'))
  await sendEntry(context, request, 200, existing(context, request))
}

/** Unset: asks etcd. 0: whatever is there. Else not older than that. */
async function catchUp({ store }: ApiContext, resourceVersion: string | null): Promise<void> {
  if (!resourceVersion) await store.current()
  else if (resourceVersion !== '0') await store.reached(parseRevision(resourceVersion), 3000)
}

/** The entry that the path names, from the cache; throws 404. */
export function existing({ store }: ApiContext, request: ResourceRequest): Entry {
  const entry = store.get(keyOfRequest(request))
  const { names } = request.resource.definition
  if (!entry) throw notFound(names.group, names.plural, request.info.name)
  return entry
}

/** Throws 400 when the path cannot be the key of an object of this kind. */
export function keyOfRequest({ info, resource }: ResourceRequest): string {
  const { namespaced } = resource.definition.names
  if (namespaced && info.namespace === '') throw badRequest('Namespace parameter required.')
  for (const segment of namespaced ? [info.namespace, info.name] : [info.name]) {
    const complaint = invalidPathSegment(segment)
    if (complaint) throw badRequest(`Name parameter invalid: ${JSON.stringify(segment)}: ${complaint}`)
  }
  return keyFor(resource.prefix, namespaced ? info.namespace : '', info.name)
}
