/** For tests: a cluster small enough to reason about. It stores objects, applies actions at once and serves a `Cache`. */
import { deepCopy, type Json, type JsonObject } from '../api/json.ts'
import type { KindName, Kinds } from '../api/kinds.ts'
import { controllerOf, keyOf, type KubeObject } from '../api/object.ts'
import { applyMergePatch } from '../api/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '../api/patch/strategic-merge.ts'
import type { Cache, Store } from '../client/cache.ts'
import type { Action, Controller } from '../client/controller.ts'
import { createModelStore, keyTextOf, type ModelStore } from './model-store.ts'

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

/** More than any scene needs: who still writes after so many passes never stops. */
const mostPasses = 200

export function createModel(indexes: Runnable[] = [], { gracefulPods = false }: ModelOptions = {}): Model {
  const store = createModelStore({
    now: () => model.now,
    isHeld: (kind, object) =>
      Boolean(object.metadata.finalizers?.length) ||
      (gracefulPods && kind === 'Pod' && (object as Kinds['Pod']).status?.phase === 'Running'),
  })
  const model: Model = {
    now: new Date('2026-01-01T00:00:00Z'),
    events: [],
    done: [],
    cache: cacheOf(store, indexes),
    add: (kind, object) => store.add(kind, object as never) as never,
    get: (kind, key) => store.get(kind, key) as never,
    list: (kind) => store.list(kind) as never,
    change(kind, key, change) {
      const old = store.existing(kind, key)
      const copy = deepCopy(old)
      change(copy as never)
      store.put(kind, copy, old)
    },
    merge(kind, key, patch) {
      const old = store.existing(kind, key)
      store.put(kind, merge(old, patch), old)
    },
    delete: store.drop,
    apply(actions) {
      for (const action of actions) applyOne(model, store, action)
    },
    run(controller) {
      const before = store.serial()
      for (const object of store.list(controller.for)) {
        model.apply(controller.reconcile(object as never, controller.observe(object as never, model.cache) as never, model.now))
      }
      return store.serial() - before
    },
    settle(...controllers) {
      for (let pass = 0; pass < mostPasses; pass++) {
        if (controllers.reduce((writes, controller) => writes + model.run(controller), 0) === 0) return
      }
      throw new Error(`Cannot settle: controllers still write after ${mostPasses} passes`)
    },
  }
  return model
}

function cacheOf(store: ModelStore, indexes: readonly Runnable[]): Cache {
  const indexOf = (kind: KindName, name: string): ((object: KubeObject) => readonly string[]) => {
    const found = indexes.map((controller) => controller.indexes?.[kind]?.[name]).find((index) => index !== undefined)
    if (!found) throw new Error(`Cannot find index ${name} of ${kind}: no controller names it`)
    return found as (object: KubeObject) => readonly string[]
  }
  const storeOf = (kind: KindName): Store<KubeObject> => ({
    get: (key) => store.get(kind, key),
    list: (namespace) => store.list(kind).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    byIndex: (name, value) => store.list(kind).filter((object) => indexOf(kind, name)(object).includes(value)),
    controlledBy: (uid) => store.list(kind).filter((object) => controllerOf(object)?.uid === uid),
  })
  return { of: (kind) => storeOf(kind) as never }
}

function applyOne(model: Model, store: ModelStore, action: Action): void {
  if (action.do !== 'create' && action.do !== 'batch' && action.do !== 'attempt') model.done.push({ action })
  switch (action.do) {
    case 'create': {
      const key = keyOf({ metadata: { name: '', ...action.object.metadata } })
      if (action.existsOk && store.get(action.kind, key)) return
      const created: KubeObject = model.add(action.kind, action.object as never)
      model.done.push({ action, object: created })
      return model.apply(action.created?.(created) ?? [])
    }
    case 'update':
      return store.replace(action.kind, action.object, store.get(action.kind, keyOf(action.object)))
    case 'patch': {
      const old = store.existing(action.kind, action.key)
      const isStrategic = action.type === 'application/strategic-merge-patch+json'
      return store.replace(action.kind, (isStrategic ? mergeStrategically : merge)(old, action.patch), old)
    }
    case 'delete':
      return store.remove(action.kind, keyTextOf(action.key))
    case 'batch':
      return model.apply(action.actions)
    case 'attempt':
      try {
        return model.apply(action.actions)
      } catch (error) {
        return model.apply(action.failed(error as Error))
      }
    case 'event':
      return void model.events.push({ reason: action.reason, message: action.message })
    case 'requeue':
  }
}

const merge = (target: KubeObject, patch: unknown): KubeObject =>
  applyMergePatch(target as unknown as JsonObject, patch as Json) as unknown as KubeObject

const mergeStrategically = (target: KubeObject, patch: unknown): KubeObject =>
  applyStrategicMergePatch(target as unknown as JsonObject, patch, target.kind ?? '') as unknown as KubeObject
