/** The objects of one kind in memory with their indexes: what an informer fills and everyone else reads. */
import { controllerOf, keyOf, type KubeObject, type ObjectKey } from '../api/object.ts'
import type { Store } from './cache.ts'

export type IndexFunction<T> = (object: T) => readonly string[]
export type Indexes<T> = Record<string, IndexFunction<T>>

export interface IndexedStore<T extends KubeObject> extends Store<T> {
  /** Puts the object and answers the one it replaced. */
  set(object: T): T | undefined
  delete(key: string): T | undefined
  has(key: string): boolean
  keys(): MapIterator<string>
  values(): MapIterator<T>
  size(): number
  /** Adds indexes by name; objects that are there already are indexed at once. */
  addIndexes(indexes: Indexes<T>): void
}

const ownerIndex = 'controller'

const byOwner = (object: KubeObject): readonly string[] => {
  const owner = controllerOf(object)
  return owner ? [owner.uid] : []
}

export function createIndexedStore<T extends KubeObject>(): IndexedStore<T> {
  const objects = new Map<string, T>()
  const namespaces: Index<T> = { of: ({ metadata: { namespace } }) => (namespace ? [namespace] : []), keys: new Map() }
  const indexes = new Map<string, Index<T>>([[ownerIndex, { of: byOwner, keys: new Map() }]])

  const all = () => [namespaces, ...indexes.values()]
  const find = (index: Index<T>, value: string): T[] => {
    const keys = index.keys.get(value)
    return keys ? Array.from(keys, (key) => objects.get(key)!) : []
  }

  return {
    get: (key) => objects.get(typeof key === 'string' ? key : toKey(key)),
    list: (namespace) => (namespace === undefined ? [...objects.values()] : find(namespaces, namespace)),
    byIndex(name, value) {
      const index = indexes.get(name)
      if (!index) throw new Error(`Cannot read index ${name}: no controller has declared it`)
      return find(index, value)
    },
    controlledBy: (uid) => find(indexes.get(ownerIndex)!, uid),
    set(object) {
      const key = keyOf(object)
      const old = objects.get(key)
      objects.set(key, object)
      for (const index of all()) reindex(index, key, old, object)
      return old
    },
    delete(key) {
      const old = objects.get(key)
      if (!old) return undefined
      objects.delete(key)
      for (const index of all()) reindex(index, key, old, undefined)
      return old
    },
    has: (key) => objects.has(key),
    keys: () => objects.keys(),
    values: () => objects.values(),
    size: () => objects.size,
    addIndexes(added) {
      for (const [name, of] of Object.entries(added)) {
        const known = indexes.get(name)
        if (known?.of === of) continue
        if (known) throw new Error(`Cannot add index ${name}: another one has that name`)
        const index: Index<T> = { of, keys: new Map() }
        indexes.set(name, index)
        for (const [key, object] of objects) reindex(index, key, undefined, object)
      }
    },
  }
}

const toKey = ({ namespace, name }: ObjectKey): string => (namespace ? `${namespace}/${name}` : name)

interface Index<T> {
  of: IndexFunction<T>
  keys: Map<string, Set<string>>
}

function reindex<T>({ of, keys }: Index<T>, key: string, old: T | undefined, object: T | undefined): void {
  const before = old ? of(old) : []
  const after = object ? of(object) : []
  for (const value of before) {
    if (after.includes(value)) continue
    const set = keys.get(value)
    set?.delete(key)
    if (set?.size === 0) keys.delete(value)
  }
  for (const value of after) {
    if (before.includes(value)) continue
    const set = keys.get(value)
    if (set) set.add(key)
    else keys.set(value, new Set([key]))
  }
}
