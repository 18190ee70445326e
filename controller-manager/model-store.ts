/** The objects of a model, with as much of an API server's rules as controllers rely on: versions, generations, finalizers. */
import { deepCopy } from '../api/json.ts'
import { apiVersionOf, kindInfo, type KindName, type Kinds } from '../api/kinds.ts'
import { keyOf, type KubeObject, type ObjectKey } from '../api/object.ts'
import { semanticEqual } from './semantic-equal.ts'

export interface ModelStore {
  /** Counts the writes. */
  serial(): number
  get(kind: KindName, key: ObjectKey | string): KubeObject | undefined
  /** Throws where there is none. */
  existing(kind: KindName, key: ObjectKey | string): KubeObject
  list(kind: KindName): KubeObject[]
  /** Throws where there is one of that name. */
  add(kind: KindName, object: Partial<KubeObject> & { metadata: Partial<KubeObject['metadata']> }): KubeObject
  put(kind: KindName, object: KubeObject, old?: KubeObject): KubeObject
  /** As `put`; the last finalizer's end is that of an object which is being deleted. */
  replace(kind: KindName, object: KubeObject, old: KubeObject | undefined): void
  /** What is held stays, marked. */
  remove(kind: KindName, key: string): void
  /** Whatever holds it. */
  drop(kind: KindName, key: string): void
}

export interface ModelStoreOptions {
  now(): Date
  isHeld(kind: KindName, object: KubeObject): boolean
}

/** As `keyOf`, for an object that is only named. */
export const keyTextOf = (key: ObjectKey | string): string =>
  typeof key === 'string' ? key : keyOf({ metadata: { namespace: key.namespace, name: key.name } })

export function createModelStore({ now, isHeld }: ModelStoreOptions): ModelStore {
  const kinds = new Map<KindName, Map<string, KubeObject>>()
  let serial = 0

  const of = (kind: KindName): Map<string, KubeObject> => {
    const found = kinds.get(kind) ?? new Map<string, KubeObject>()
    kinds.set(kind, found)
    return found
  }
  const get = (kind: KindName, key: ObjectKey | string) => of(kind).get(keyTextOf(key))

  function put(kind: KindName, object: KubeObject, old?: KubeObject): KubeObject {
    serial++
    const generation = old ? (old.metadata.generation ?? 1) + Number(!semanticEqual(specOf(old), specOf(object))) : 1
    const stored = { ...object, metadata: { ...object.metadata, generation, resourceVersion: String(serial) } }
    of(kind).set(keyOf(stored), stored)
    return stored
  }
  function end(kind: KindName, object: KubeObject): void {
    serial++
    of(kind).delete(keyOf(object))
  }

  return {
    serial: () => serial,
    get,
    existing(kind, key) {
      const found = get(kind, key)
      if (!found) throw new Error(`Cannot change ${kind} ${keyTextOf(key)}: it does not exist`)
      return found
    },
    list: (kind) => [...of(kind).values()],
    add(kind, object) {
      serial++
      const { metadata } = object
      const name = metadata.name ?? `${metadata.generateName ?? 'object-'}${serial.toString(36).padStart(5, '0')}`
      const full = deepCopy({
        apiVersion: apiVersionOf(kindInfo(kind)),
        kind,
        ...object,
        metadata: { creationTimestamp: now().toISOString(), ...metadata, name, uid: metadata.uid ?? `uid-${serial}` },
      }) as Kinds[KindName]
      if (of(kind).has(keyOf(full))) throw Object.assign(new Error(`${kind} ${name} already exists`), { reason: 'AlreadyExists' })
      return put(kind, full)
    },
    put,
    replace(kind, object, old) {
      const isReleased = object.metadata.deletionTimestamp && old?.metadata.finalizers?.length
      if (isReleased && !isHeld(kind, object)) end(kind, object)
      else put(kind, object, old)
    },
    remove(kind, key) {
      const object = get(kind, key)
      if (!object) return
      if (!isHeld(kind, object)) end(kind, object)
      else if (!object.metadata.deletionTimestamp)
        put(kind, { ...object, metadata: { ...object.metadata, deletionTimestamp: now().toISOString() } }, object)
    },
    drop: (kind, key) => void of(kind).delete(key),
  }
}

const specOf = (object: KubeObject): unknown => (object as { spec?: unknown }).spec
