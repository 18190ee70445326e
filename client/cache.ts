/** What a component has seen of the cluster: read-only, indexed views over its informers. */
import type { KindName, Kinds } from '../api/kinds.ts'
import type { KubeObject, ObjectKey } from '../api/object.ts'

/**
 * Objects are shared and frozen by convention: never change one, make a copy.
 * Lists are in no particular order.
 */
export interface Store<T extends KubeObject> {
  get(key: ObjectKey | string): T | undefined
  list(namespace?: string): T[]
  /** Objects whose index `name` holds `value`; indexes are named when the informer is made. */
  byIndex(name: string, value: string): T[]
  /** Objects that name this owner UID as their controller (index built in). */
  controlledBy(uid: string): T[]
}

export interface Cache {
  /** Throws when the component has not asked for this kind. */
  of<K extends KindName>(kind: K): Store<Kinds[K]>
}
