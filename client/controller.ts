/** The contract of a controller: pure functions over what the cache holds; `run-controller.ts` owns everything impure. */
import type { KindName, Kinds } from '../api/kinds.ts'
import type { KubeObject, New, ObjectKey } from '../api/object.ts'
import type { PatchType } from './api-client.ts'
import type { Cache } from './cache.ts'

export type Action =
  | {
      do: 'create'
      kind: KindName
      object: New<KubeObject>
      /** A name that is already taken is success. */
      existsOk?: boolean
      /** Applied after it, with the server's answer: its name may have been generated. Not called when the name was taken. */
      created?: (object: KubeObject) => Action[]
    }
  | { do: 'update'; kind: KindName; object: KubeObject; subresource?: string }
  | { do: 'patch'; kind: KindName; key: ObjectKey; type: PatchType; patch: unknown; subresource?: string }
  /** Preconditions on the UID are always sent when it is given; an object that is gone already is success. */
  | {
      do: 'delete'
      kind: KindName
      key: ObjectKey
      uid?: string
      gracePeriodSeconds?: number
      propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
    }
  /** `count` of these at most at once, starting with one and doubling while they succeed (upstream's slow start). */
  | { do: 'batch'; actions: Action[] }
  | { do: 'event'; about: KubeObject; type: 'Normal' | 'Warning'; reason: string; message: string }
  /** Applies `actions`; when one fails, applies what `failed` answers and then fails with the same error, so that the key backs off. */
  | { do: 'attempt'; actions: Action[]; failed: (error: Error) => Action[] }
  | { do: 'requeue'; afterMs: number }

/** Another kind whose events wake objects of the controller's own kind. */
export interface Wake<K extends KindName = KindName> {
  kind: K
  /** Keys (`namespace/name`) to reconcile. Called with the old object too when a change may have moved it away. */
  wakes(object: Kinds[K], cache: Cache): Iterable<string>
}

export interface Controller<K extends KindName, Observed> {
  /** Upstream's name, as `--controllers` takes it: `replicaset-controller`. */
  name: string
  for: K
  /** Which updates of the object itself wake it; all of them by default. Called with the object as it is and as it was. */
  wakesOn?(object: Kinds[K], old: Kinds[K]): boolean
  /** Kinds whose events wake the object that controls them. */
  owns?: readonly KindName[]
  watches?: readonly Wake[]
  /** Further kinds that `observe` reads and that wake nothing. */
  reads?: readonly KindName[]
  /** Indexes that `observe` uses, by kind and index name. */
  indexes?: Partial<Record<KindName, Record<string, (object: never) => readonly string[]>>>
  observe(object: Kinds[K], cache: Cache): Observed
  /** Pure: no clock, cache or network. The runner applies the actions in order and stops at the first that fails. */
  reconcile(object: Kinds[K], observed: Observed, now: Date): Action[]
  /** For a key that woke and has no object (any more). Most controllers leave this to the garbage collector. */
  gone?(key: ObjectKey, cache: Cache): Action[]
}
