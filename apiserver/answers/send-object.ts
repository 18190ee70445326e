/** Answers with one object: its stored bytes when the client takes them as they are, else the view it asked for. */
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { negotiate, type ViewName } from './negotiate.ts'
import { sendAs, sendJsonBytes, wantsPretty } from './respond.ts'
import type { Entry } from '../storage/store.ts'
import { viewObject } from './views.ts'

const views: readonly ViewName[] = ['Table', 'PartialObjectMetadata']

export function sendEntry(context: ApiContext, request: ResourceRequest, code: number, entry: Entry): void | Promise<void> {
  const accepted = negotiate(request.raw.headers.accept, views, request.resource)
  if (!accepted.as && accepted.format === 'json' && request.resource.isStorageVersion && !wantsPretty(request))
    return sendJsonBytes(request, code, entry.bytes)
  return sendObject(context, request, code, entry.object())
}

/** `object` is in its storage version. */
export function sendObject(
  context: ApiContext,
  request: ResourceRequest,
  code: number,
  object: KubeObject,
): void | Promise<void> {
  const { convert } = request.resource.definition
  return convert
    ? convert.ahead([object]).then(() => sendShown(context, request, code, object))
    : sendShown(context, request, code, object)
}

function sendShown(context: ApiContext, request: ResourceRequest, code: number, object: KubeObject): void | Promise<void> {
  const accepted = negotiate(request.raw.headers.accept, views, request.resource)
  const { resource, info } = request
  const shown = viewObject(resource, object, accepted, info.query, context.now())
  return sendAs(request, code, shown, accepted.format)
}

/** Throws 406 before anything is done, as a write must not be half refused. */
export const checkAcceptable = ({ raw, resource }: ResourceRequest): void => void negotiate(raw.headers.accept, views, resource)
