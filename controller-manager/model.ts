/** For tests: a cluster small enough to reason about. It stores objects, applies actions at once and serves a `Cache`. */
import { deepCopy, type Json, type JsonObject } from '../api/json.ts'
import { apiVersionOf, kindInfo, type KindName, type Kinds } from '../api/kinds.ts'
import { controllerOf, keyOf, type KubeObject, type ObjectKey } from '../api/object.ts'
import { applyMergePatch } from '../api/patch/merge-patch.ts'
import type { OwnerReference } from '../api/generated/types.ts'
import type { Cache, Store } from '../client/cache.ts'
import type { Action, Controller } from '../client/controller.ts'
import { semanticEqual } from './semantic-equal.ts'

type AnyController = { [K in KindName]: Controller<K, never> }[KindName]
/** Controllers differ in what they observe; a list of them only runs them. */
export type Runnable = Omit<AnyController, 'observe' | 'reconcile'> & {
  observe(object: never, cache: Cache): unknown
  reconcile(object: never, observed: never, now: Date): Action[]
}

type Draft<T extends KubeObject> = Partial<Omit<T, 'metadata'>> & { metadata: Partial<KubeObject['metadata']> }

export interface Model {
  now: Date
  readonly cache: Cache
  readonly events: { reason: string; message: string }[]
  /** Every action that was carried out, in order; of a creation, what came of it. */
  readonly done: { action: Action; object?: KubeObject }[]
  add<K extends KindName>(kind: K, object: Draft<Kinds[K]>): Kinds[K]
  get<K extends KindName>(kind: K, key: string): Kinds[K] | undefined
  list<K extends KindName>(kind: K): Kinds[K][]
  change<K extends KindName>(kind: K, key: string, change: (object: Kinds[K]) => void): void
  /** As a person's merge patch. */
  merge(kind: KindName, key: string, patch: object): void
  delete(kind: KindName, key: string): void
  apply(actions: readonly Action[]): void
  /** One pass over all objects of the controller's kind; answers how many writes it made. */
  run(controller: Runnable): number
  /** Runs passes of all until none writes. Throws when that does not happen. */
  settle(...controllers: Runnable[]): void
}

export interface ModelOptions {
  /** Pods that run stay, on their way out, until `delete` is called for them: as kubelets do. */
  gracefulPods?: boolean
}

export function createModel(indexes: Runnable[] = [], { gracefulPods = false }: ModelOptions = {}): Model {
  const objects = new Map<KindName, Map<string, KubeObject>>()
  const events: Model['events'] = []
  const done: Model['done'] = []
  let serial = 0

  const of = (kind: KindName) => {
    const found = objects.get(kind) ?? new Map<string, KubeObject>()
    objects.set(kind, found)
    return found
  }
  const named = (key: ObjectKey | string) =>
    typeof key === 'string' ? key : keyOf({ metadata: { namespace: key.namespace, name: key.name } })
  const indexOf = (kind: KindName, name: string): ((object: KubeObject) => readonly string[]) => {
    const found = indexes.map((controller) => controller.indexes?.[kind]?.[name]).find((index) => index !== undefined)
    if (!found) throw new Error(`Cannot find index ${name} of ${kind}: no controller names it`)
    return found as (object: KubeObject) => readonly string[]
  }
  const storeOf = (kind: KindName): Store<KubeObject> => ({
    get: (key) => of(kind).get(named(key)),
    list: (namespace) =>
      [...of(kind).values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    byIndex: (name, value) => [...of(kind).values()].filter((object) => indexOf(kind, name)(object).includes(value)),
    controlledBy: (uid) => [...of(kind).values()].filter((object) => controllerOf(object)?.uid === uid),
  })

  const put = (kind: KindName, object: KubeObject, old?: KubeObject): KubeObject => {
    serial++
    const specChanged = old !== undefined && !semanticEqual((old as { spec?: unknown }).spec, (object as { spec?: unknown }).spec)
    const generation = old ? (old.metadata.generation ?? 1) + Number(specChanged) : 1
    const stored = { ...object, metadata: { ...object.metadata, generation, resourceVersion: String(serial) } }
    of(kind).set(keyOf(stored), stored)
    return stored
  }

  const existing = (kind: KindName, key: ObjectKey | string): KubeObject => {
    const found = of(kind).get(named(key))
    if (!found) throw new Error(`Cannot change ${kind} ${named(key)}: it does not exist`)
    return found
  }
  const isHeld = (kind: KindName, object: KubeObject) =>
    Boolean(object.metadata.finalizers?.length) ||
    (gracefulPods && kind === 'Pod' && (object as Kinds['Pod']).status?.phase === 'Running')
  const drop = (kind: KindName, object: KubeObject) => {
    serial++
    of(kind).delete(keyOf(object))
  }
  /** The last finalizer's end is that of an object which is being deleted. */
  const replace = (kind: KindName, object: KubeObject, old: KubeObject | undefined) => {
    const released = object.metadata.deletionTimestamp && old?.metadata.finalizers?.length
    if (released && !isHeld(kind, object)) drop(kind, object)
    else put(kind, object, old)
  }
  const remove = (kind: KindName, key: string) => {
    const object = of(kind).get(key)
    if (!object) return
    if (!isHeld(kind, object)) drop(kind, object)
    else if (!object.metadata.deletionTimestamp) {
      const deletionTimestamp = model.now.toISOString()
      put(kind, { ...object, metadata: { ...object.metadata, deletionTimestamp } }, object)
    }
  }

  const model: Model = {
    now: new Date('2026-01-01T00:00:00Z'),
    events,
    done,
    cache: { of: (kind) => storeOf(kind) as never },
    add(kind, object) {
      serial++
      const { metadata } = object
      const name = metadata.name ?? `${metadata.generateName ?? 'object-'}${serial.toString(36).padStart(5, '0')}`
      const full = deepCopy({
        apiVersion: apiVersionOf(kindInfo(kind)),
        kind,
        ...object,
        metadata: { creationTimestamp: model.now.toISOString(), ...metadata, name, uid: metadata.uid ?? `uid-${serial}` },
      }) as unknown as KubeObject
      if (of(kind).has(keyOf(full))) throw Object.assign(new Error(`${kind} ${name} already exists`), { reason: 'AlreadyExists' })
      return put(kind, full) as never
    },
    get: (kind, key) => of(kind).get(key) as never,
    list: (kind) => [...of(kind).values()] as never,
    change(kind, key, change) {
      const old = existing(kind, key)
      const copy = deepCopy(old)
      change(copy as never)
      put(kind, copy, old)
    },
    merge(kind, key, patch) {
      const old = existing(kind, key)
      put(kind, merge(old, patch), old)
    },
    delete: (kind, key) => void of(kind).delete(key),
    apply(actions) {
      for (const action of actions) applyOne(action)
    },
    run(controller) {
      const before = serial
      for (const object of Array.from(of(controller.for).values())) {
        model.apply(controller.reconcile(object as never, controller.observe(object as never, model.cache) as never, model.now))
      }
      return serial - before
    },
    settle(...controllers) {
      for (let pass = 0; pass < 200; pass++) {
        if (controllers.reduce((writes, controller) => writes + model.run(controller), 0) === 0) return
      }
      throw new Error('Cannot settle: controllers still write after 200 passes')
    },
  }

  function applyOne(action: Action): void {
    if (action.do !== 'create' && action.do !== 'batch' && action.do !== 'attempt') done.push({ action })
    switch (action.do) {
      case 'create': {
        const key = keyOf({ metadata: { name: '', ...action.object.metadata } })
        if (action.existsOk && of(action.kind).has(key)) return
        const created: KubeObject = model.add(action.kind, action.object as never)
        done.push({ action, object: created })
        return model.apply(action.created?.(created) ?? [])
      }
      case 'update':
        replace(action.kind, action.object, of(action.kind).get(keyOf(action.object)))
        return
      case 'patch': {
        const old = existing(action.kind, action.key)
        const strategic = action.type === 'application/strategic-merge-patch+json'
        replace(action.kind, (strategic ? mergeStrategically : merge)(old, action.patch) as KubeObject, old)
        return
      }
      case 'delete':
        return remove(action.kind, named(action.key))
      case 'batch':
        return model.apply(action.actions)
      case 'attempt':
        try {
          return model.apply(action.actions)
        } catch (error) {
          model.apply(action.failed(error as Error))
          return
        }
      case 'event':
        events.push({ reason: action.reason, message: action.message })
        return
      case 'requeue':
    }
  }
  return model
}

/** RFC 7386. */
const merge = (target: KubeObject, patch: unknown): KubeObject =>
  applyMergePatch(target as unknown as JsonObject, patch as Json) as unknown as KubeObject

/** The parts of strategic merge that controllers use: owner references by UID, finalizers and conditions one by one. */
function mergeStrategically(target: KubeObject, patch: unknown): unknown {
  const { metadata, ...fields } = patch as { metadata: StrategicMetadata; status?: { conditions?: { type: string }[] } }
  const { ownerReferences = [], [finalizersToDelete]: finalizers = [] } = metadata
  const kept = (target.metadata.ownerReferences ?? []).filter(({ uid }) => ownerReferences.every((owner) => owner.uid !== uid))
  const added = ownerReferences.filter(({ $patch }) => $patch !== 'delete')
  const merged = {
    ...target,
    metadata: {
      ...target.metadata,
      ownerReferences: [...kept, ...added],
      finalizers: target.metadata.finalizers?.filter((each) => !finalizers.includes(each)),
    },
  }
  const { status } = target as { status?: { conditions?: { type: string }[] } }
  const conditions = fields.status?.conditions
  if (!conditions) return merged
  const others = (status?.conditions ?? []).filter(({ type }) => conditions.every((condition) => condition.type !== type))
  return { ...merged, status: { ...status, conditions: [...others, ...conditions] } }
}

const finalizersToDelete = '$deleteFromPrimitiveList/finalizers'

interface StrategicMetadata {
  ownerReferences?: (OwnerReference & { $patch?: string })[]
  [finalizersToDelete]?: string[]
}
