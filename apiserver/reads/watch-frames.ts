/** Watch events as the bytes that go out: each framed once for all the watchers who take the same view of it. */
import type { KubeObject } from '../../api/object.ts'
import type { ApiError } from '../../api/status.ts'
import { encodeWatchFrame } from '../protobuf/encode-body.ts'
import type { Accepted } from '../answers/negotiate.ts'
import type { ServedResource } from '../served-resources.ts'
import { fromStorageVersion } from '../storage-version.ts'
import type { Entry, StoreEvent } from '../storage/store.ts'
import { toPartialMetadata, toTable, type IncludeObject } from '../answers/views.ts'

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** Makes the frames of one view. The first table of a watch names its columns, so `first` frames are not shared. */
export interface Framer {
  frame(event: StoreEvent, type: EventType, first: boolean): Buffer
  initial(entry: Entry, first: boolean): Buffer
  bookmark(revision: number, endOfInitialEvents: boolean): Buffer
  error(error: ApiError): Buffer
}

export interface View extends Accepted {
  resource: ServedResource
  includeObject: IncludeObject
  now: () => Date
}

const newline = Buffer.from('}\n')
const heads: Record<EventType, Buffer> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
}

/** Frames of an event, by view and type. An event that nobody holds any more takes its frames along. */
const shared = new WeakMap<StoreEvent, Map<string, Buffer>>()

export function createFramer(view: View): Framer {
  const { resource, format, as = '', asVersion = '', includeObject } = view
  const viewKey = `${resource.apiVersion} ${format} ${as} ${asVersion} ${includeObject}`
  const keys: Record<EventType, string> = {
    ADDED: `${viewKey} ADDED`,
    MODIFIED: `${viewKey} MODIFIED`,
    DELETED: `${viewKey} DELETED`,
  }
  const frameOf = (type: EventType | 'BOOKMARK' | 'ERROR', object: object): Buffer =>
    format === 'protobuf' ? encodeWatchFrame(type, object) : Buffer.from(`${JSON.stringify({ type, object })}\n`)
  const present = (entry: Entry, type: EventType, first: boolean): Buffer =>
    !as && resource.isStorageVersion && format === 'json'
      ? Buffer.concat([heads[type], entry.bytes, newline])
      : frameOf(type, viewed(view, entry.object(), first))
  const made = (event: StoreEvent, type: EventType, first: boolean): Buffer => {
    const left = type === 'DELETED' && event.type !== 'DELETED' && event.previous
    return left ? frameOf(type, viewed(view, leftAt(view, event), first)) : present(event.entry, type, first)
  }

  return {
    initial: (entry, first) => present(entry, 'ADDED', first),
    frame(event, type, first) {
      if (first && as === 'Table') return made(event, type, first)
      let frames = shared.get(event)
      if (!frames) shared.set(event, (frames = new Map()))
      let frame = frames.get(keys[type])
      if (!frame) {
        frame = made(event, type, first)
        frames.set(keys[type], frame)
      }
      return frame
    },
    bookmark: (revision, endOfInitialEvents) => frameOf('BOOKMARK', bookmarkObject(view, revision, endOfInitialEvents)),
    error: ({ status }) => frameOf('ERROR', status),
  }
}

/** An object that leaves a selection is shown as it was when it still belonged, with the revision at which it left. */
function leftAt({ resource }: View, event: StoreEvent): KubeObject {
  const previous = event.previous!.object()
  // A copy with another revision is none that the webhook has converted.
  const object = resource.definition.convert ? fromStorageVersion(resource, previous) : previous
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(event.revision) } }
}

function viewed({ resource, as, asVersion, includeObject, now }: View, stored: KubeObject, first: boolean): object {
  const show = (object: KubeObject) => fromStorageVersion(resource, object)
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return toPartialMetadata(stored, asVersion)
  if (as !== 'Table') return show(stored)
  const { resourceVersion = '' } = stored.metadata
  const options = { now: now(), includeObject, withColumns: first, asVersion, show }
  return toTable(resource.definition, [stored], { resourceVersion }, options)
}

function bookmarkObject({ resource, as, asVersion = 'v1' }: View, revision: number, endOfInitialEvents: boolean) {
  const metadata = {
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(endOfInitialEvents && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
  }
  if (as === 'Table') {
    // Clients read the revision off the row's object, as off any other table's.
    const object = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
    return {
      kind: 'Table',
      apiVersion: `meta.k8s.io/${asVersion}`,
      metadata: { resourceVersion: String(revision) },
      columnDefinitions: null,
      rows: [{ cells: [], object }],
    }
  }
  if (as) return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${asVersion}`, metadata }
  return { kind: resource.definition.names.kind, apiVersion: resource.apiVersion, metadata }
}
