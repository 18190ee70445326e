/**
 * The metadata of every object there is, as resources come and go: from the informers that the controllers share where there is one,
 * and for the rest of what discovery names from a metadata-only one.
 */
import { KINDS } from '../api/kinds.ts'
import type { KubeObject } from '../api/object.ts'
import type { ApiClient, List } from '../client/api-client.ts'
import { createInformer, type Informer } from '../client/informer.ts'
import type { SharedInformers } from '../client/shared-informers.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import { discover, pathOf, resourceKey, type Resource } from './discovery.ts'

export type Metadata = KubeObject

export interface MonitorEvents {
  put(resource: Resource, object: Metadata, isNew: boolean): void
  deleted(resource: Resource, object: Metadata): void
}

export interface MetadataMonitors {
  /** Hears everything there is and every change from now on. */
  subscribe(events: MonitorEvents): void
  resources(): readonly Resource[]
  /** Group versions that discovery could not read the last time. */
  failures(): ReadonlyMap<string, Error>
  /** The resource behind an owner reference; undefined when nothing of that group and kind is served. */
  find(group: string, kind: string): Resource | undefined
  /** How many objects of a resource a namespace holds, as far as has been seen; undefined when it is not watched. */
  count(resource: Resource, namespace: string): number | undefined
  /** Asks discovery again when something is missing that may just have come. */
  refresh(): Promise<void>
  whenSynced(): Promise<void>
}

export interface MonitorOptions {
  client: ApiClient
  informers: SharedInformers
  clock: Clock
  logger: Logger
  signal: AbortSignal
}

const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
const metadataOne = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
/** Aggregated APIs tell nobody when their resources change; definitions are watched. */
const rediscoverMs = 30_000
/** Nothing owns or is owned by these, and they are many. */
const ignored = new Set(['events', 'events.events.k8s.io'])

interface Monitor {
  resource: Resource
  informer: Informer<Metadata>
  stop(): void
}

export async function createMetadataMonitors(options: MonitorOptions): Promise<MetadataMonitors> {
  const { client, informers, clock, logger, signal } = options
  const monitors = new Map<string, Monitor>()
  const listeners: MonitorEvents[] = []
  let served: Resource[] = []
  let failed: ReadonlyMap<string, Error> = new Map()
  let refreshing: Promise<void> | undefined

  const handlersFor = (resource: Resource) => ({
    added: (object: Metadata) => listeners.forEach((each) => each.put(resource, object, true)),
    updated: (object: Metadata) => listeners.forEach((each) => each.put(resource, object, false)),
    deleted: (object: Metadata) => listeners.forEach((each) => each.deleted(resource, object)),
  })
  const start = (resource: Resource) => {
    const shared = sharedInformer(resource, informers)
    const informer =
      shared ?? createInformer(metadataSource(client, resource), { name: `metadata/${resourceKey(resource)}`, clock, logger })
    const leave = informer.addHandlers(handlersFor(resource))
    const end = new AbortController()
    const stop = () => {
      leave()
      end.abort()
    }
    monitors.set(resourceKey(resource), { resource, informer, stop })
    if (shared) return
    informer
      .run(AbortSignal.any([signal, end.signal]))
      .catch((error: unknown) => logger.error('metadata informer ended', { resource: resourceKey(resource), error }))
  }
  const stop = ({ resource, stop }: Monitor) => {
    // No deletions are told: what discovery leaves out for a moment must not look as if its objects were gone.
    stop()
    monitors.delete(resourceKey(resource))
  }

  const resync = async () => {
    const { resources, failures } = await discover(client, signal)
    failed = failures
    const failedGroups = new Set([...failures.keys()].map((groupVersion) => groupVersion.split('/')[0]))
    served = [...resources, ...served.filter(({ group }) => failedGroups.has(group))]
    const wanted = new Map(served.filter(isMonitored).map((resource) => [resourceKey(resource), resource]))
    for (const [key, resource] of wanted) {
      const running = monitors.get(key)
      if (running && running.resource.version === resource.version) continue
      if (running) stop(running)
      start(resource)
    }
    for (const [key, monitor] of monitors) if (!wanted.has(key)) stop(monitor)
  }
  const refresh = (): Promise<void> => {
    refreshing ??= resync().finally(() => (refreshing = undefined))
    return refreshing
  }

  await refresh()
  keepFresh(refresh, options)
  return {
    subscribe(events) {
      listeners.push(events)
      for (const { resource, informer } of monitors.values())
        for (const object of informer.store.list()) events.put(resource, object, true)
    },
    resources: () => served,
    failures: () => failed,
    find: (group, kind) => served.find((resource) => resource.group === group && resource.kind === kind),
    count: (resource, namespace) => monitors.get(resourceKey(resource))?.informer.store.list(namespace).length,
    refresh,
    whenSynced: async () => void (await Promise.all([...monitors.values()].map(({ informer }) => informer.whenSynced()))),
  }
}

/** A second watch on pods would cost as much as the first. All versions hold the same objects; a group of the same name may be custom. */
function sharedInformer({ group, kind }: Resource, informers: SharedInformers): Informer<Metadata> | undefined {
  const info = KINDS.find((each) => each.group === group && each.kind === kind)
  return info && informers.has(info.kind) ? (informers.informer(info.kind) as unknown as Informer<Metadata>) : undefined
}

const isMonitored = (resource: Resource): boolean =>
  ['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb)) && !ignored.has(resourceKey(resource))

/** Definitions and API services announce new resources; a moment later they are served. */
function keepFresh(refresh: () => Promise<void>, { informers, clock, logger, signal }: MonitorOptions): void {
  let cancel = () => {}
  const later = (ms: number) => {
    cancel()
    cancel = clock.setTimeout(() => {
      if (signal.aborted) return
      refresh()
        .catch((error: unknown) => logger.warn('cannot discover resources', { error: String(error) }))
        .finally(() => later(rediscoverMs))
    }, ms)
  }
  const soon = () => later(100)
  for (const kind of ['CustomResourceDefinition', 'APIService'] as const) {
    informers.informer(kind).addHandlers({ added: (_, initial) => initial || soon(), updated: soon, deleted: soon })
  }
  later(rediscoverMs)
  signal.addEventListener('abort', () => cancel(), { once: true })
}

const metadataSource = (client: ApiClient, resource: Resource) => {
  const path = pathOf(resource)
  const typed = <T extends { apiVersion?: string; kind?: string }>(object: T): T => ({ ...object, ...typeOf(resource) })
  return {
    async list({ resourceVersion, signal }: { resourceVersion: string; signal: AbortSignal }): Promise<List<Metadata>> {
      const list = await client.raw<List<Metadata>>('GET', path, { query: { resourceVersion }, accept: metadataList, signal })
      return { ...list, items: (list.items ?? []).map(typed) }
    },
    async *watch({
      resourceVersion,
      timeoutSeconds,
      signal,
    }: {
      resourceVersion: string
      timeoutSeconds: number
      signal: AbortSignal
    }) {
      const query = { resourceVersion, timeoutSeconds: String(timeoutSeconds), allowWatchBookmarks: 'true' }
      for await (const event of client.watchPath<Metadata>(path, { query, accept: metadataOne, signal })) {
        yield event.type === 'ERROR' ? event : { ...event, object: typed(event.object) }
      }
    },
  }
}

/** Partial objects are of kind PartialObjectMetadata: what they stand for is known from where they were asked for. */
const typeOf = ({ group, version, kind }: Resource) => ({ apiVersion: group ? `${group}/${version}` : version, kind })
