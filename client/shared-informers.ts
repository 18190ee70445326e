/** One informer a kind for a whole process, however many controllers ask for it, and the cache view over them. */
import type { KindName, Kinds } from '../api/kinds.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { ApiClient } from './api-client.ts'
import type { Cache } from './cache.ts'
import { createInformer, type Informer } from './informer.ts'
import type { ReflectorSource } from './reflector.ts'

export interface Scope {
  namespace?: string | undefined
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}

export interface SharedInformers {
  /** Made on first use. After `start` a new one starts at once. */
  informer<K extends KindName>(kind: K): Informer<Kinds[K]>
  has(kind: KindName): boolean
  cache: Cache
  /** Starts all; those that are asked for later start then. */
  start(): void
  /** Resolves when each informer there is has its first list. */
  whenSynced(): Promise<void>
}

export interface SharedInformersOptions {
  clock: Clock
  logger: Logger
  signal: AbortSignal
  /** Parts of kinds that this process sees: a kubelet's own pods. All of a kind when it is not named. */
  scopes?: Partial<Record<KindName, Scope>>
  /** Changes objects of a kind as they come in: drop what nobody in this process reads, to save memory. */
  ingest?: { [K in KindName]?: (object: Kinds[K]) => Kinds[K] }
}

export function createSharedInformers(client: ApiClient, options: SharedInformersOptions): SharedInformers {
  const { clock, logger, signal, scopes = {}, ingest = {} } = options
  const informers = new Map<KindName, Informer<Kinds[KindName]>>()
  let started = false

  const run = (kind: KindName, informer: Informer<Kinds[KindName]>) => {
    informer.run(signal).catch((error: unknown) => logger.error('informer ended', { kind, error }))
  }
  const informer = <K extends KindName>(kind: K): Informer<Kinds[K]> => {
    const known = informers.get(kind)
    if (known) return known as unknown as Informer<Kinds[K]>
    const made = createInformer(sourceOf(client, kind, scopes[kind]), {
      name: kind,
      clock,
      logger,
      ...(ingest[kind] ? { ingest: ingest[kind] as (object: Kinds[K]) => Kinds[K] } : {}),
    })
    informers.set(kind, made as unknown as Informer<Kinds[KindName]>)
    if (started) run(kind, made as unknown as Informer<Kinds[KindName]>)
    return made
  }

  return {
    informer,
    has: (kind) => informers.has(kind),
    cache: createCache((kind) => informers.get(kind)),
    start() {
      if (started) return
      started = true
      for (const [kind, each] of informers) run(kind, each)
    },
    async whenSynced() {
      await Promise.all([...informers.values()].map((each) => each.whenSynced()))
    },
  }
}

/** A cache over whatever informers there are; `createCache` of a few made by hand serves small components and tests. */
export function createCache(find: (kind: KindName) => { readonly store: unknown } | undefined): Cache {
  return {
    of(kind) {
      const informer = find(kind)
      if (!informer) throw new Error(`Cannot read ${kind} from the cache: this component has not asked for it`)
      return informer.store as never
    },
  }
}

/** What a reflector lists and watches for a kind of the table. */
export const sourceOf = <K extends KindName>(client: ApiClient, kind: K, scope: Scope = {}): ReflectorSource<Kinds[K]> => ({
  list: (options) => client.list(kind, { ...scope, ...options }),
  watch: (options) => client.watch(kind, { ...scope, ...options, allowWatchBookmarks: true }),
})
