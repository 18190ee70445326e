/** GET with watch=true: what is there, if asked for, then every change of the selection, in order, until somebody ends it. */
import type { KubeObject } from '../../api/object.ts'
import { ApiError, internalError, serviceUnavailable } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { beginChunks } from '../reads/chunked-answer.ts'
import { PROTOBUF_TYPE } from '../protobuf/encode-body.ts'
import { readListOptions, type ListOptions } from '../reads/list-options.ts'
import { negotiateStream, type Format, type ViewName } from '../answers/negotiate.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import { readSelection, select, type Selection } from '../reads/selection.ts'
import type { Entry, StoreEvent, Subscription } from '../storage/store.ts'
import { readIncludeObject } from '../answers/views.ts'
import { createFramer, type EventType, type Framer } from '../reads/watch-frames.ts'
import { createWatchStream, type Sink, type WatchStream } from '../reads/watch-stream.ts'
import { isWebSocket, openEventSocket } from '../answers/web-socket-stream.ts'

const views: readonly ViewName[] = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']

/** Upstream's `--min-request-timeout`: without a wish, a watch lasts this long to twice as long, so that ends are spread. */
const MIN_TIMEOUT_SECONDS = 1800

const BOOKMARK_EVERY_MS = 60_000

export async function watch(context: ApiContext, request: ResourceRequest): Promise<void> {
  const { info, resource, raw } = request
  const accepted = negotiateStream(raw.headers.accept, views, resource)
  const selection = readSelection(info, resource)
  const options = readListOptions(info.query, true)
  const framer = createFramer({
    ...accepted,
    resource,
    includeObject: readIncludeObject(info.query),
    now: context.now,
  })
  await catchUp(context, options)
  if (context.stopping.aborted) throw serviceUnavailable('the server is shutting down')
  await startWatch(context, request, selection, options, framer, accepted.format)
}

/** A watch from "the newest state" asks etcd what that is; one from a revision of a faster server waits for it. */
async function catchUp({ store }: ApiContext, { resourceVersion, sendInitialEvents }: ListOptions): Promise<void> {
  if (resourceVersion === undefined) await store.current()
  else if (sendInitialEvents && resourceVersion > 0) await store.reached(resourceVersion, 3000)
}

async function startWatch(
  context: ApiContext,
  request: ResourceRequest,
  selection: Selection,
  options: ListOptions,
  framer: Framer,
  format: Format,
): Promise<void> {
  const { store, stopping } = context
  const { resource, info } = request
  const { resourceVersion } = options
  // Upstream's legacy behaviour: no revision, or 0, begins with the present state as ADDED events.
  const withState = options.sendInitialEvents ?? !resourceVersion
  const from = withState || !resourceVersion ? store.revision() : resourceVersion
  const entries = withState ? select(store, resource, selection) : []
  const { convert } = resource.definition
  // Held, so that what is known of them is known when they are framed.
  const shown = convert ? entries.map((entry) => entry.object()) : []
  if (convert) await convert.ahead(shown)

  const sink = isWebSocket(request.raw) ? openEventSocket(request, format) : beginAnswer(request, format)
  if (!sink) return
  let subscription: Subscription | undefined
  let timer: NodeJS.Timeout | undefined
  const marker = options.sendInitialEvents && options.allowWatchBookmarks ? framer.bookmark(from, true) : undefined
  const end = () => stream.end()
  const stream = createWatchStream(
    sink,
    convert ? framesNow(entries, framer, marker, shown) : initialFrames(entries, framer, marker),
    (reason) => {
      subscription?.close()
      clearTimeout(timer)
      stopping.removeEventListener('abort', end)
      if (reason === 'slow') context.logger.warn('ended a watch whose client did not keep up', { path: info.path })
    },
  )
  stopping.addEventListener('abort', end, { once: true })
  timer = setTimeout(end, timeoutMs(options.timeoutSeconds))
  const send = (status: ApiError) => {
    stream.push(framer.error(status))
    stream.end()
  }
  // A watch that cannot begin there has begun all the same: its first event says why not, as upstream has it.
  try {
    const prefix =
      resource.prefix + (selection.namespace && resource.definition.names.namespaced ? `${selection.namespace}/` : '')
    const sent = { first: entries.length === 0 }
    subscription = store.watch(prefix, from, {
      onEvent: convert
        ? inTurn(convert, eventSender(selection, framer, stream, sent), send)
        : eventSender(selection, framer, stream, sent),
      ...(options.allowWatchBookmarks && { onRevision: bookmarker(framer, stream) }),
      onEnd: send,
    })
  } catch (error) {
    send(error as ApiError)
  }
}

function beginAnswer({ response, headers, audit }: ResourceRequest, format: Format): Sink {
  const contentType = format === 'protobuf' ? `${PROTOBUF_TYPE};stream=watch` : 'application/json'
  response.writeHead(200, { ...headers, 'Content-Type': contentType, 'Cache-Control': 'no-cache, private' })
  audit?.started(200)
  return beginChunks(response)
}

/** setTimeout overflows to "at once" beyond 24 days. */
const timeoutMs = (seconds: number | undefined) =>
  Math.min((seconds || MIN_TIMEOUT_SECONDS * (1 + Math.random())) * 1000, 2 ** 31 - 1)

function* initialFrames(entries: readonly Entry[], framer: Framer, marker: Buffer | undefined): Generator<Buffer> {
  for (const [index, entry] of entries.entries()) yield framer.initial(entry, index === 0)
  if (marker) yield marker
}

/** At once, while `shown` holds the objects whose conversions are known. */
function framesNow(entries: readonly Entry[], framer: Framer, marker: Buffer | undefined, shown: KubeObject[]) {
  const frames = [...initialFrames(entries, framer, marker)]
  shown.length = 0
  return frames.values()
}

function eventSender({ everything, matches }: Selection, framer: Framer, stream: WatchStream, sent: { first: boolean }) {
  return (event: StoreEvent) => {
    const type = everything ? event.type : typeSeen(event, matches)
    if (!type) return
    stream.push(framer.frame(event, type, sent.first))
    sent.first = false
  }
}

/** A client that is so far behind its webhook is better served by a new list. */
const MAX_WAITING = 1000

/** Events whose objects a webhook converts go out one after the other, as they came. */
function inTurn(
  { ahead }: NonNullable<ResourceDefinition['convert']>,
  sendEvent: (event: StoreEvent) => void,
  fail: (status: ApiError) => void,
) {
  let waiting = 0
  let last = Promise.resolve()
  const deliver = async (event: StoreEvent) => {
    const objects = [event.entry, event.previous].flatMap((entry) => entry?.object() ?? [])
    await ahead(objects)
    sendEvent(event)
    // Held until here: an object that nobody holds is parsed anew, and is not known.
    return objects.length
  }
  return (event: StoreEvent) => {
    if (++waiting > MAX_WAITING) return fail(internalError(new Error('the conversion webhook does not keep up')))
    last = last
      .then(() => deliver(event))
      .then(
        () => void waiting--,
        (error: unknown) => fail(error instanceof ApiError ? error : internalError(error)),
      )
  }
}

/** What an event is to somebody who sees only the selection; undefined when it is nothing. */
function typeSeen({ type, entry, previous }: StoreEvent, matches: (entry: Entry) => boolean): EventType | undefined {
  if (type === 'DELETED') return matches(previous ?? entry) ? 'DELETED' : undefined
  const before = type === 'MODIFIED' && previous !== undefined && matches(previous)
  const after = matches(entry)
  if (after) return before ? 'MODIFIED' : 'ADDED'
  return before ? 'DELETED' : undefined
}

function bookmarker(framer: Framer, stream: WatchStream) {
  let last = performance.now()
  return (revision: number) => {
    const now = performance.now()
    if (now - last < BOOKMARK_EVERY_MS) return
    last = now
    stream.push(framer.bookmark(revision, false))
  }
}
