/** Controller references follow selectors: orphans that match are adopted, dependents that no longer match are released. */
import type { LabelSelector } from '../api/generated/types.ts'
import { toSelector } from '../api/labels.ts'
import { controllerOf, controllerReference, keyOf, type KubeObject } from '../api/object.ts'
import type { KindName, Kinds } from '../api/kinds.ts'
import type { Action, Wake } from '../client/controller.ts'

export interface Claim<T> {
  /** What the owner controls once `actions` are done. */
  owned: T[]
  actions: Action[]
}

/**
 * `candidates` are the dependents of the owner and the orphans of its namespace. Nothing is adopted by or for an object
 * that is being deleted, nor released by one: the garbage collector decides there.
 */
export function claim<T extends KubeObject>(
  owner: KubeObject,
  candidates: readonly T[],
  matches: (object: T) => boolean,
): Claim<T> {
  const owned: T[] = []
  const actions: Action[] = []
  const dying = owner.metadata.deletionTimestamp !== undefined
  for (const object of candidates) {
    const controller = controllerOf(object)
    if (controller && controller.uid !== owner.metadata.uid) continue
    const matching = matches(object)
    if (controller) {
      if (matching) owned.push(object)
      else if (!dying) actions.push(referencePatch(object, { $patch: 'delete', uid: owner.metadata.uid }))
    } else if (matching && !dying && !object.metadata.deletionTimestamp) {
      owned.push(object)
      actions.push(referencePatch(object, controllerReference(owner)))
    }
  }
  return { owned, actions }
}

const referencePatch = (object: KubeObject, reference: object): Action => ({
  do: 'patch',
  kind: object.kind as KindName,
  key: { namespace: object.metadata.namespace, name: object.metadata.name },
  type: 'application/strategic-merge-patch+json',
  patch: { metadata: { uid: object.metadata.uid, ownerReferences: [reference] } },
})

/** Index of dependents without a controller, by namespace: candidates for adoption. */
export const orphanIndex = { orphans: (object: KubeObject) => (controllerOf(object) ? [] : [object.metadata.namespace ?? '']) }

/** An orphan wakes every possible owner whose selector takes it. */
export const orphansWake = <D extends KindName, O extends KindName>(
  dependent: D,
  owner: O,
  selectorOf: (owner: Kinds[O]) => LabelSelector | undefined,
): Wake<D> => ({
  kind: dependent,
  wakes: (object, cache) =>
    controllerOf(object)
      ? []
      : cache
          .of(owner)
          .list(object.metadata.namespace)
          .filter((candidate) => toSelector(selectorOf(candidate)).matches(object.metadata.labels))
          .map(keyOf),
})
