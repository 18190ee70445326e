/** From what a request is about to the endpoint that serves it: a verb on a resource, on a subresource, or another URL. */
import { methodNotAllowed, unknownPath } from '../api/status.ts'
import { proxyRequest } from './aggregation/proxy-request.ts'
import type { ApiContext, ApiRequest, Endpoint, ResourceRequest } from './api-context.ts'
import { bindNamed, isLegacyBinding } from './endpoints/binding.ts'
import { getComponentStatus, listComponentStatuses } from './endpoints/component-status.ts'
import { create } from './endpoints/create.ts'
import { removeCollection } from './endpoints/delete-collection.ts'
import { remove } from './endpoints/delete.ts'
import { get } from './endpoints/get.ts'
import { list } from './endpoints/list.ts'
import { nonResource } from './endpoints/non-resource.ts'
import { patch } from './endpoints/patch.ts'
import { reviewFor } from './endpoints/review.ts'
import { update } from './endpoints/update.ts'
import { watch } from './endpoints/watch.ts'
import type { Verb } from './resources/resource.ts'
import { findSubresource } from './subresources.ts'

const endpoints: Readonly<Record<Verb, Endpoint>> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: removeCollection,
}

/** Resources of the core group whose objects are made when they are asked for. */
const computed: Readonly<Record<string, Partial<Record<Verb, Endpoint>>>> = {
  componentstatuses: { get: getComponentStatus, list: listComponentStatuses },
}

export function dispatch(context: ApiContext, request: ApiRequest): Promise<void> | void {
  const { info } = request
  const remote = context.aggregation.remotes.find(info)
  if (remote) return proxyRequest(context, request, remote)
  if (!info.isResource) return nonResource(context, request)
  const resource = context.resources.find(info.group, info.version, info.resource)
  if (!resource) {
    if (isLegacyBinding(info)) return bindNamed(context, request)
    const review = reviewFor(info)
    if (!review) throw unknownPath()
    return review(context, request)
  }
  const deprecation = resource.definition.deprecations?.[info.version]
  if (deprecation) request.warnings.push(deprecation)
  const resourceRequest: ResourceRequest = { ...request, resource }
  return endpointFor(resourceRequest)(context, resourceRequest)
}

/** Throws 404 for a path that names nothing served, 405 for a verb that it does not have. */
function endpointFor({ info, resource, raw }: ResourceRequest): Endpoint {
  const { definition } = resource
  const { names, verbs } = definition
  refuseWrongScope(info.namespace !== '' && names.plural !== 'namespaces', info.pathName !== '', names.namespaced)
  if (info.subresource !== '') {
    const subresource = findSubresource(definition, info.subresource)
    if (!subresource) throw unknownPath()
    const endpoint = subresource.verbs[info.verb]
    if (!endpoint) throw methodNotAllowed(names.group, `${names.plural}/${info.subresource}`, info.verb || (raw.method ?? ''))
    return endpoint
  }
  const verb = info.verb as Verb
  const allowed = Object.hasOwn(endpoints, verb) && (!verbs || verbs.includes(verb))
  // The collection is created in, an object is not; an object is updated, the collection is not.
  const wrongLevel = verb === 'create' ? info.pathName !== '' : (verb === 'update' || verb === 'patch') && info.pathName === ''
  if (!allowed || wrongLevel) throw methodNotAllowed(names.group, names.plural, info.verb || (raw.method ?? ''))
  return (names.group === '' && computed[names.plural]?.[verb]) || endpoints[verb]
}

function refuseWrongScope(inNamespace: boolean, named: boolean, namespaced: boolean): void {
  if (inNamespace && !namespaced) throw unknownPath()
  if (!inNamespace && namespaced && named) throw unknownPath()
}
