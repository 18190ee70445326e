/**
 * An API server's storage rules in memory: revisions, conflicts, preconditions, finalizers, generated names, watches. For
 * tests of whatever speaks through an ApiClient. It neither validates nor defaults; admission and controllers are absent.
 */
import { randomUUID } from 'node:crypto'
import { parseFieldSelector } from '../api/fields.ts'
import { deepCopy, deepEqual, type Json, type JsonObject } from '../api/json.ts'
import { apiVersionOf, kindInfo, KINDS, type KindName } from '../api/kinds.ts'
import { parseLabelSelector } from '../api/labels.ts'
import { keyOf, type KubeObject, type ObjectKey } from '../api/object.ts'
import { applyMergePatch } from '../api/patch/merge-patch.ts'
import { alreadyExists, badRequest, conflict, expired, notFound } from '../api/status.ts'
import { formatTime } from '../api/time.ts'
import type { ApiClient, ListOptions, PatchType, WatchEvent } from './api-client.ts'
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

interface Change {
  revision: number
  kind: KindName
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: KubeObject
  old: KubeObject | undefined
}

interface Watcher {
  push(change: Change): void
  end(): void
}

export function createMemoryApiClient(options: MemoryApiClientOptions = {}): MemoryApiClient {
  const now = options.now ?? (() => new Date())
  const uuid = options.uuid ?? randomUUID
  const stores = new Map<KindName, Map<string, KubeObject>>()
  const watchers = new Set<Watcher>()
  const writes: RecordedWrite[] = []
  let history: Change[] = []
  let revision = 1
  let compacted = 0
  let refuse: ((write: RecordedWrite) => Error | undefined) | undefined

  const storeOf = (kind: KindName) => {
    const known = stores.get(kind)
    if (known) return known
    const made = new Map<string, KubeObject>()
    stores.set(kind, made)
    return made
  }
  const missing = (kind: KindName, name: string) => notFound(kindInfo(kind).group, kindInfo(kind).plural, name)
  const existing = (kind: KindName, key: ObjectKey): KubeObject => {
    const object = storeOf(kind).get(textOf(kind, key))
    if (!object) throw missing(kind, key.name)
    return object
  }
  const record = async (write: RecordedWrite) => {
    // A real server answers later: callers must not rely on a write that is done before its promise is.
    await Promise.resolve()
    const error = refuse?.(write)
    if (error) throw error
    writes.push(write)
  }
  const commit = (kind: KindName, type: Change['type'], object: KubeObject, old: KubeObject | undefined): KubeObject => {
    revision++
    object.metadata.resourceVersion = String(revision)
    const store = storeOf(kind)
    if (type === 'DELETED') store.delete(keyOf(object))
    else store.set(keyOf(object), object)
    const change: Change = { revision, kind, type, object, old }
    history.push(change)
    for (const watcher of watchers) watcher.push(change)
    return deepCopy(object)
  }
  const replace = (kind: KindName, old: KubeObject, next: KubeObject): KubeObject => {
    const { uid, creationTimestamp, deletionTimestamp, namespace, name } = old.metadata
    next.metadata = { ...next.metadata, uid, creationTimestamp, deletionTimestamp, namespace, name }
    const { group, plural } = kindInfo(kind)
    const expected = next.metadata.resourceVersion
    if (expected && expected !== old.metadata.resourceVersion) throw conflict(group, plural, name)
    next.metadata.resourceVersion = old.metadata.resourceVersion
    for (const field of ['namespace', 'deletionTimestamp'] as const)
      if (next.metadata[field] === undefined) delete next.metadata[field]
    if (deepEqual(next, old)) return deepCopy(old)
    if (deletionTimestamp && !isHeld(next)) return commit(kind, 'DELETED', next, old)
    const specOf = (object: KubeObject) => ('spec' in object ? object.spec : undefined)
    if (!deepEqual(specOf(next), specOf(old))) next.metadata.generation = (old.metadata.generation ?? 1) + 1
    return commit(kind, 'MODIFIED', next, old)
  }
  /** A write to /status changes status alone. Writes to the object itself may set status too, so that tests can set a scene. */
  const throughSubresource = (old: KubeObject, next: KubeObject, subresource: string | undefined): KubeObject => {
    if (subresource === 'status') {
      return {
        ...deepCopy(old),
        status: (next as { status?: unknown }).status,
        metadata: { ...deepCopy(old.metadata), resourceVersion: next.metadata.resourceVersion },
      } as KubeObject
    }
    return next
  }

  const client: ApiClient = {
    get: async (kind, key) => deepCopy(existing(kind, key)) as never,
    async list(kind, query = {}) {
      const matches = matcher(query)
      const items = [...storeOf(kind).values()].filter(matches).map((object) => deepCopy(object))
      return { metadata: { resourceVersion: String(revision) }, items: items as never[] }
    },
    watch: (kind, query) => {
      const from = Number(query.resourceVersion ?? revision) || revision
      if (from < compacted) throw expired(`too old resource version: ${from} (${compacted})`)
      const matches = matcher(query)
      return follow(kind, from, matches, query.signal) as never
    },
    watchPath: (path) => {
      throw badRequest(`the in-memory client serves no watch on ${path}`)
    },
    async create(kind, given, { cause } = {}) {
      const info = kindInfo(kind)
      const object = deepCopy({ apiVersion: apiVersionOf(info), kind, ...given }) as unknown as KubeObject
      if (!object.metadata.name && object.metadata.generateName)
        object.metadata.name = object.metadata.generateName + uuid().slice(0, 5)
      if (!info.namespaced) delete object.metadata.namespace
      const key = keyOf(object)
      await record({ verb: 'create', kind, key, cause, body: given })
      if (storeOf(kind).has(key)) throw alreadyExists(info.group, info.plural, object.metadata.name)
      Object.assign(object.metadata, { uid: uuid(), creationTimestamp: formatTime(now()), generation: 1 })
      return commit(kind, 'ADDED', object, undefined) as never
    },
    async update(kind, given, { cause, subresource } = {}) {
      await record({ verb: 'update', kind, key: keyOf(given), subresource, cause, body: given })
      const old = existing(kind, given.metadata)
      return replace(kind, old, throughSubresource(old, deepCopy(given), subresource)) as never
    },
    async patch(kind, key, patch, { type, subresource, cause }) {
      await record({ verb: 'patch', kind, key: textOf(kind, key), subresource, cause, body: patch })
      const old = existing(kind, key)
      const patcher = options.patchers?.[type] ?? (type === 'application/json-patch+json' ? undefined : mergePatch)
      if (!patcher) throw badRequest(`the in-memory client was given no implementation of ${type}`)
      return replace(kind, old, throughSubresource(old, patcher(deepCopy(old), patch), subresource)) as never
    },
    async delete(kind, key, { cause, preconditions, propagationPolicy } = {}) {
      await record({ verb: 'delete', kind, key: textOf(kind, key), cause })
      const old = existing(kind, key)
      const { group, plural } = kindInfo(kind)
      if (preconditions?.uid && preconditions.uid !== old.metadata.uid) {
        const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${old.metadata.uid}`
        throw conflict(group, plural, key.name, why)
      }
      if (preconditions?.resourceVersion && preconditions.resourceVersion !== old.metadata.resourceVersion)
        throw conflict(group, plural, key.name)
      const next = deepCopy(old)
      const finalizer = propagationPolicy && deletionFinalizers[propagationPolicy]
      if (finalizer && !old.metadata.deletionTimestamp) next.metadata.finalizers = [...(old.metadata.finalizers ?? []), finalizer]
      if (!isHeld(next)) commit(kind, 'DELETED', next, old)
      else if (!old.metadata.deletionTimestamp) {
        next.metadata.deletionTimestamp = formatTime(now())
        if (kind === 'Namespace') Object.assign(next, { status: { phase: 'Terminating' } })
        commit(kind, 'MODIFIED', next, old)
      }
    },
    async createSubresource(kind, key, subresource, body, { cause } = {}) {
      await record({ verb: 'createSubresource', kind, key: textOf(kind, key), subresource, cause, body })
      const old = existing(kind, key)
      const handler =
        options.subresources?.[`${kind}/${subresource}`] ?? (kind === 'Pod' && subresource === 'binding' ? bind : undefined)
      if (!handler) throw missing(kind, key.name)
      const next = handler(deepCopy(old), body)
      return (next ? replace(kind, old, next) : {}) as never
    },
    async raw(method, path) {
      const kind = KINDS.find((info) => resourcePath(info.kind) === path)?.kind
      if (method !== 'GET' || !kind) throw badRequest(`the in-memory client serves no ${method} ${path}`)
      return client.list(kind) as never
    },
  }

  async function* follow(
    kind: KindName,
    from: number,
    matches: Match,
    signal?: AbortSignal,
  ): AsyncGenerator<WatchEvent<KubeObject>> {
    const queue: Change[] = history.filter((change) => change.kind === kind && change.revision > from)
    let wake = () => {}
    let ended = signal?.aborted ?? false
    const watcher: Watcher = {
      push(change) {
        if (change.kind !== kind) return
        queue.push(change)
        wake()
      },
      end() {
        ended = true
        wake()
      },
    }
    watchers.add(watcher)
    signal?.addEventListener('abort', watcher.end, { once: true })
    try {
      while (!ended || queue.length > 0) {
        const change = queue.shift()
        const event = change && toEvent(change, matches)
        if (event) yield event
        else if (!change) await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      watchers.delete(watcher)
      signal?.removeEventListener('abort', watcher.end)
    }
  }

  return {
    ...client,
    writes,
    failWith: (hook) => void (refuse = hook),
    dropWatches: () => {
      for (const watcher of watchers) watcher.end()
    },
    compact() {
      compacted = revision
      history = []
    },
    revision: () => String(revision),
  }
}

/** What a deletion's propagation leaves for the garbage collector to take off. */
const deletionFinalizers = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: undefined }

/** Namespaces have finalizers of their own kind in the spec. */
const isHeld = (object: KubeObject & { spec?: { finalizers?: string[] } }): boolean =>
  Boolean(object.metadata.finalizers?.length) || (object.kind === 'Namespace' && Boolean(object.spec?.finalizers?.length))

type Match = (object: KubeObject) => boolean

/** An object that a change moves out of the selection was deleted as far as this watcher can tell, and the other way round. */
function toEvent({ type, object, old }: Change, matches: Match): WatchEvent<KubeObject> | undefined {
  const before = old !== undefined && matches(old)
  const after = type !== 'DELETED' && matches(object)
  if (!before && !after) return undefined
  return { type: !before ? 'ADDED' : after ? 'MODIFIED' : 'DELETED', object: deepCopy(object) }
}

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

const textOf = (kind: KindName, { namespace, name }: ObjectKey): string =>
  kindInfo(kind).namespaced && namespace ? `${namespace}/${name}` : name

/** Strategic patches are taken as merge patches unless the test brings better: lists are replaced then. */
const mergePatch = (object: KubeObject, patch: unknown): KubeObject =>
  applyMergePatch(object as unknown as JsonObject, deepCopy(patch) as Json) as unknown as KubeObject
