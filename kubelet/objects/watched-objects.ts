/** The ConfigMaps and Secrets that this node's pods name: each is watched once, for as long as any pod needs it. */
import { kindInfo } from '../../api/kinds.ts'
import { keyOf, type ObjectKey } from '../../api/object.ts'
import type { ConfigMap, Secret } from '../../api/generated/types.ts'
import { notFound } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { createInformer, type Informer } from '../../client/informer.ts'
import { sourceOf } from '../../client/shared-informers.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'

interface WatchedKinds {
  ConfigMap: ConfigMap
  Secret: Secret
}

export type WatchedKind = keyof WatchedKinds

export interface WatchedObject<T> {
  /** Waits for the first answer of the API server; rejects with not-found when there is no such object. */
  get(): Promise<T>
  /** What is known now. */
  peek(): T | undefined
  release(): void
}

export interface WatchedObjects {
  /** `onChange` hears of every change after the first answer. */
  acquire<K extends WatchedKind>(kind: K, key: ObjectKey, onChange: () => void): WatchedObject<WatchedKinds[K]>
}

interface Entry {
  informer: Informer<ConfigMap | Secret>
  users: number
  stop: AbortController
}

export function createWatchedObjects(client: ApiClient, options: { clock: Clock; logger: Logger }): WatchedObjects {
  const entries = new Map<string, Entry>()

  const open = (kind: WatchedKind, { namespace, name }: ObjectKey): Entry => {
    const source = sourceOf(client, kind, { namespace, fieldSelector: `metadata.name=${name}` })
    const informer = createInformer<ConfigMap | Secret>(source as never, { ...options, name: `${kind} ${namespace}/${name}` })
    const stop = new AbortController()
    informer.run(stop.signal).catch((error: unknown) => options.logger.error('informer ended', { kind, name, error }))
    return { informer, users: 0, stop }
  }

  return {
    acquire(kind, key, onChange) {
      const text = keyOf({ metadata: key })
      const id = `${kind} ${text}`
      const entry = entries.get(id) ?? open(kind, key)
      entries.set(id, entry)
      entry.users++
      const { informer } = entry
      const changed = (_object: unknown, oldOrInitial: unknown) => {
        if (oldOrInitial !== true) onChange()
      }
      const leave = informer.addHandlers({ added: changed, updated: changed, deleted: onChange })
      const peek = () => informer.store.get(text) as WatchedKinds[typeof kind] | undefined
      return {
        peek,
        async get() {
          await informer.whenSynced()
          const object = peek()
          if (!object) throw notFound('', kindInfo(kind).plural, key.name)
          return object
        },
        release() {
          leave()
          entry.users--
          if (entry.users > 0) return
          entry.stop.abort()
          entries.delete(id)
        },
      }
    },
  }
}
