/** GET of a collection: the stored bytes of each entry between a head and a tail, whole or in pages of one snapshot. */
import type { KubeObject } from '../../api/object.ts'
import { ApiError, expired, isExpired } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { encodeContinue, readListOptions, type ListOptions } from '../reads/list-options.ts'
import { negotiate, type Accepted, type ViewName } from '../answers/negotiate.ts'
import { joinBytes } from '../reads/list-bodies.ts'
import { sendAs, sendParts, wantsPretty } from '../answers/respond.ts'
import { readSelection, select, type Selection } from '../reads/selection.ts'
import type { ServedResource } from '../served-resources.ts'
import { fromStorageVersion } from '../storage-version.ts'
import type { Entry } from '../storage/store.ts'
import { readIncludeObject, toPartialMetadataList, toTable, type ListMeta } from '../answers/views.ts'

const views: readonly ViewName[] = ['Table', 'PartialObjectMetadataList']

/** Rows that one question to etcd may read: under its message limit with objects of any size. */
const PAGE = 500

interface Page {
  entries: Entry[]
  metadata: ListMeta
}

export async function list(context: ApiContext, request: ResourceRequest): Promise<void> {
  const { info, resource } = request
  const accepted = negotiate(request.raw.headers.accept, views, resource)
  const selection = readSelection(info, resource)
  const options = readListOptions(info.query, false)
  const page = await readPage(context, resource, selection, options)
  await sendPage(context, request, accepted, page)
}

/** Also what deletecollection chooses its objects with. */
export async function readPage(
  context: ApiContext,
  resource: ServedResource,
  selection: Selection,
  options: ListOptions,
): Promise<Page> {
  const { store } = context
  const { limit, resourceVersion, match } = options
  if (options.continue) return pageAt(context, resource, selection, limit, options.continue.revision, options.continue.start)
  if (match === 'Exact') return pageAt(context, resource, selection, limit, resourceVersion ?? 0, '')

  if (resourceVersion === undefined) await store.current()
  else if (resourceVersion > 0) await store.reached(resourceVersion, 3000)
  const entries = select(store, resource, selection)
  const revision = store.revision()
  // As upstream's watch cache: `resourceVersion=0` takes everything, whatever the limit.
  if (limit <= 0 || resourceVersion === 0 || entries.length <= limit)
    return { entries, metadata: { resourceVersion: String(revision) } }
  const shown = entries.slice(0, limit)
  return { entries: shown, metadata: moreAfter(resource, revision, shown, selection, entries.length - limit) }
}

/** `start` is below the resource's prefix; revision -1 goes on from the present. */
async function pageAt(
  context: ApiContext,
  resource: ServedResource,
  selection: Selection,
  limit: number,
  asked: number,
  start: string,
): Promise<Page> {
  const { store } = context
  const revision = asked < 0 ? await store.current() : asked
  const prefix = resource.prefix + (selection.namespace ? `${selection.namespace}/` : '')
  const found: Entry[] = []
  let from = start === '' ? prefix : resource.prefix + start
  for (;;) {
    const { entries, more, remaining } = await store.listAt(prefix, revision, from, limit || PAGE).catch((error: unknown) => {
      throw start !== '' && isExpired(error) ? expiredToken(store.revision(), start) : error
    })
    for (const [index, entry] of entries.entries()) {
      if (!selection.matches(entry)) continue
      found.push(entry)
      const left = entries.length - index - 1 + remaining
      if (limit > 0 && found.length === limit && left > 0)
        return { entries: found, metadata: moreAfter(resource, revision, found, selection, left) }
    }
    const last = entries.at(-1)
    if (!more || !last) return { entries: found, metadata: { resourceVersion: String(revision) } }
    from = `${last.key}\0`
  }
}

/** A count would be a guess when selectors drop some of what is left. */
function moreAfter(resource: ServedResource, revision: number, shown: Entry[], selection: Selection, left: number): ListMeta {
  const start = `${shown.at(-1)!.key.slice(resource.prefix.length)}\0`
  return {
    resourceVersion: String(revision),
    continue: encodeContinue({ revision, start }),
    ...(selection.everything && { remainingItemCount: left }),
  }
}

/** The client may start again, or go on from the present with the token in this answer and live with the seam. */
function expiredToken(revision: number, start: string): ApiError {
  const error = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the ' +
      'continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing ' +
      'with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the ' +
      'time the first chunk was returned and now may show up in the list.',
  )
  const metadata = { resourceVersion: String(revision), continue: encodeContinue({ revision: -1, start }) }
  return new ApiError({ ...error.status, metadata })
}

export async function sendPage(
  context: ApiContext,
  request: ResourceRequest,
  { as, asVersion, format }: Accepted,
  { entries, metadata }: Page,
): Promise<void> {
  const { resource, info } = request
  const { definition, isStorageVersion, apiVersion } = resource
  if (!as && format === 'json' && isStorageVersion && !wantsPretty(request))
    return sendParts(request, listHead(definition.names.listKind, apiVersion, metadata), bodyOf(context, request, entries))
  const show = (object: KubeObject) => fromStorageVersion(resource, object)
  const stored = entries.map((entry) => entry.object())
  await definition.convert?.ahead(stored)
  const value =
    as === 'Table'
      ? toTable(definition, stored, metadata, {
          now: context.now(),
          includeObject: readIncludeObject(info.query),
          asVersion,
          show,
        })
      : as === 'PartialObjectMetadataList'
        ? toPartialMetadataList(stored, metadata, asVersion)
        : { kind: definition.names.listKind, apiVersion, metadata, items: stored.map(show) }
  await sendAs(request, 200, value, format)
}

const listHead = (kind: string, apiVersion: string, metadata: ListMeta): Buffer =>
  Buffer.from(
    `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`,
  )

/** Selections are many and small, whole collections few and large. */
function bodyOf({ listBodies }: ApiContext, { info, resource }: ResourceRequest, entries: readonly Entry[]): Buffer {
  const { query } = info
  const narrowed = query.has('labelSelector') || query.has('fieldSelector') || query.has('limit') || query.has('continue')
  return narrowed ? joinBytes(entries) : listBodies.join(`${resource.prefix}${info.namespace}`, entries)
}
