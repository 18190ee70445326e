/**
 * An API server's storage rules in memory: revisions, conflicts, preconditions, finalizers, generated names, watches. For
 * tests of whatever speaks through an ApiClient. It neither validates nor defaults; admission and controllers are absent.
 */
import { randomUUID } from 'node:crypto'
import { parseFieldSelector } from '../api/fields.ts'
import { deepCopy, type Json, type JsonObject } from '../api/json.ts'
import { apiVersionOf, kindInfo, KINDS, type KindName } from '../api/kinds.ts'
import { parseLabelSelector } from '../api/labels.ts'
import { keyOf, type KubeObject } from '../api/object.ts'
import { applyMergePatch } from '../api/patch/merge-patch.ts'
import { badRequest, conflict, notFound } from '../api/status.ts'
import { formatTime } from '../api/time.ts'
import type { ApiClient, ListOptions, PatchType } from './api-client.ts'
import { createChangeLog, type Match } from './memory/change-log.ts'
import { createMemoryStore, keyTextOf, type MemoryStore } from './memory/store.ts'
import { resourcePath } from './paths.ts'

export interface MemoryApiClient extends ApiClient {
  /** Every write in order, with the cause it named. */
  readonly writes: readonly RecordedWrite[]
  /** Runs before each write: throw to refuse it, as an API server in trouble would. */
  failWith(hook: ((write: RecordedWrite) => Error | undefined) | undefined): void
  /** Ends all watches, as a server that restarts does. Those who resume lose nothing. */
  dropWatches(): void
  /** Forgets history: who resumes a watch from before gets 410 Expired. */
  compact(): void
  revision(): string
}

export interface RecordedWrite {
  verb: 'create' | 'update' | 'patch' | 'delete' | 'createSubresource'
  kind: KindName
  key: string
  subresource?: string | undefined
  cause?: string | undefined
  body?: unknown
}

export interface MemoryApiClientOptions {
  /** POSTs to subresources that mean something to the test, by `<kind>/<subresource>`; bindings are built in. */
  subresources?: Record<string, (object: KubeObject, body: object) => KubeObject | undefined>
  /** Patches other than merge patches: the caller brings the implementation, as this file has no schemas. */
  patchers?: Partial<Record<PatchType, (object: KubeObject, patch: unknown) => KubeObject>>
  now?: () => Date
  /** UIDs and generated names follow from it: give one that repeats where a test must. */
  uuid?: () => string
}

export function createMemoryApiClient(options: MemoryApiClientOptions = {}): MemoryApiClient {
  const log = createChangeLog()
  const store = createMemoryStore(log)
  const writes = createWriteRecord()
  return {
    ...readsOf(store),
    ...createsOf(store, writes.record, options),
    ...changesOf(store, writes.record, options),
    watch: (kind, query) => {
      const from = Number(query.resourceVersion ?? store.revision()) || store.revision()
      return log.follow(kind, from, matcher(query), query.signal) as never
    },
    watchPath: (path) => {
      throw badRequest(`the in-memory client serves no watch on ${path}`)
    },
    writes: writes.all,
    failWith: writes.failWith,
    dropWatches: log.endAll,
    compact: () => log.forget(store.revision()),
    revision: () => String(store.revision()),
  }
}

type RecordWrite = (write: RecordedWrite) => Promise<void>

function createWriteRecord() {
  const all: RecordedWrite[] = []
  let refuse: ((write: RecordedWrite) => Error | undefined) | undefined
  return {
    all: all as readonly RecordedWrite[],
    failWith: (hook: typeof refuse) => void (refuse = hook),
    async record(write: RecordedWrite) {
      // A real server answers later: callers must not rely on a write that is done before its promise is.
      await Promise.resolve()
      const error = refuse?.(write)
      if (error) throw error
      all.push(write)
    },
  }
}

function readsOf(store: MemoryStore): Pick<ApiClient, 'get' | 'list' | 'raw'> {
  const list: ApiClient['list'] = async (kind, query = {}) => {
    const items = store.list(kind).filter(matcher(query))
    return { metadata: { resourceVersion: String(store.revision()) }, items: deepCopy(items) as never[] }
  }
  return {
    get: async (kind, key) => deepCopy(store.get(kind, key)) as never,
    list,
    async raw(method, path) {
      const kind = KINDS.find((info) => resourcePath(info.kind) === path)?.kind
      if (method !== 'GET' || !kind) throw badRequest(`the in-memory client serves no ${method} ${path}`)
      return list(kind) as never
    },
  }
}

function createsOf(
  store: MemoryStore,
  record: RecordWrite,
  { uuid = randomUUID, now = () => new Date(), subresources }: MemoryApiClientOptions,
): Pick<ApiClient, 'create' | 'createSubresource'> {
  return {
    async create(kind, given, { cause } = {}) {
      const info = kindInfo(kind)
      const object = deepCopy({ apiVersion: apiVersionOf(info), kind, ...given }) as unknown as KubeObject
      if (!object.metadata.name && object.metadata.generateName)
        object.metadata.name = object.metadata.generateName + uuid().slice(0, 5)
      if (!info.namespaced) delete object.metadata.namespace
      await record({ verb: 'create', kind, key: keyOf(object), cause, body: given })
      Object.assign(object.metadata, { uid: uuid(), creationTimestamp: formatTime(now()), generation: 1 })
      return deepCopy(store.add(kind, object)) as never
    },
    async createSubresource(kind, key, subresource, body, { cause } = {}) {
      await record({ verb: 'createSubresource', kind, key: keyTextOf(kind, key), subresource, cause, body })
      const old = store.get(kind, key)
      const handler = subresources?.[`${kind}/${subresource}`] ?? (kind === 'Pod' && subresource === 'binding' ? bind : undefined)
      if (!handler) throw notFound(kindInfo(kind).group, kindInfo(kind).plural, key.name)
      const next = handler(deepCopy(old), body)
      return (next ? deepCopy(store.replace(kind, old, next)) : {}) as never
    },
  }
}

function changesOf(
  store: MemoryStore,
  record: RecordWrite,
  { patchers, now = () => new Date() }: MemoryApiClientOptions,
): Pick<ApiClient, 'update' | 'patch' | 'delete'> {
  const replace = (kind: KindName, old: KubeObject, next: KubeObject, subresource: string | undefined) =>
    deepCopy(store.replace(kind, old, throughSubresource(old, next, subresource))) as never
  return {
    async update(kind, given, { cause, subresource } = {}) {
      await record({ verb: 'update', kind, key: keyOf(given), subresource, cause, body: given })
      return replace(kind, store.get(kind, given.metadata), deepCopy(given), subresource)
    },
    async patch(kind, key, patch, { type, subresource, cause }) {
      await record({ verb: 'patch', kind, key: keyTextOf(kind, key), subresource, cause, body: patch })
      const old = store.get(kind, key)
      const patcher = patchers?.[type] ?? (type === 'application/json-patch+json' ? undefined : mergePatch)
      if (!patcher) throw badRequest(`the in-memory client was given no implementation of ${type}`)
      return replace(kind, old, patcher(deepCopy(old), patch), subresource)
    },
    async delete(kind, key, { cause, preconditions, propagationPolicy } = {}) {
      await record({ verb: 'delete', kind, key: keyTextOf(kind, key), cause })
      const old = store.get(kind, key)
      checkPreconditions(kind, old, preconditions ?? {})
      const next = deepCopy(old)
      const finalizer = propagationPolicy && deletionFinalizers[propagationPolicy]
      if (finalizer && !old.metadata.deletionTimestamp) next.metadata.finalizers = [...(old.metadata.finalizers ?? []), finalizer]
      store.remove(kind, next, old, now())
    },
  }
}

function checkPreconditions(
  kind: KindName,
  { metadata }: KubeObject,
  { uid, resourceVersion }: { uid?: string | undefined; resourceVersion?: string | undefined },
): void {
  const { group, plural } = kindInfo(kind)
  if (uid && uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`
    throw conflict(group, plural, metadata.name, why)
  }
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) throw conflict(group, plural, metadata.name)
}

/** A write to /status changes status alone. Writes to the object itself may set status too, so that tests can set a scene. */
function throughSubresource(old: KubeObject, next: KubeObject, subresource: string | undefined): KubeObject {
  if (subresource !== 'status') return next
  return {
    ...deepCopy(old),
    status: (next as { status?: unknown }).status,
    metadata: { ...deepCopy(old.metadata), resourceVersion: next.metadata.resourceVersion },
  } as KubeObject
}

/** What a deletion's propagation leaves for the garbage collector to take off. */
const deletionFinalizers = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: undefined }

function matcher({ namespace, labelSelector, fieldSelector }: ListOptions): Match {
  const labels = labelSelector ? parseLabelSelector(labelSelector) : undefined
  const fields = fieldSelector ? parseFieldSelector(fieldSelector) : undefined
  return (object) =>
    (!namespace || object.metadata.namespace === namespace) &&
    (!labels || labels.matches(object.metadata.labels)) &&
    (!fields || fields.matches((path) => String(valueAt(object, path) ?? '')))
}

const valueAt = (object: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], object)

function bind(pod: KubeObject, body: object): KubeObject {
  const spec = (pod as { spec?: { nodeName?: string } }).spec ?? {}
  const { group, plural } = kindInfo('Pod')
  if (spec.nodeName)
    throw conflict(
      group,
      `${plural}/binding`,
      pod.metadata.name,
      `pod ${pod.metadata.name} is already assigned to node "${spec.nodeName}"`,
    )
  return { ...pod, spec: { ...spec, nodeName: (body as { target: { name: string } }).target.name } } as KubeObject
}

/** Strategic patches are taken as merge patches unless the test brings better: lists are replaced then. */
const mergePatch = (object: KubeObject, patch: unknown): KubeObject =>
  applyMergePatch(object as unknown as JsonObject, deepCopy(patch) as Json) as unknown as KubeObject
