/**
 * Who owns whom, over all objects, as the watches tell it. Pure: it answers which objects to look at again after each change.
 * Dependents are kept by the UID they name, so that an owner need not have been seen for them to be found.
 */
import type { OwnerReference } from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import type { Resource } from '../../discovery.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

export interface GraphNode {
  uid: string
  resource: Resource
  object: KubeObject
}

/** UIDs whose objects may have to go, lose references or finalizers; and those whose dependents are to be let go. */
export interface Work {
  toDelete: string[]
  toOrphan: string[]
}

export interface Graph {
  get(uid: string): GraphNode | undefined
  dependentsOf(uid: string): GraphNode[]
  /** It existed once and does not any more: UIDs never come back. */
  isGone(uid: string): boolean
  put(resource: Resource, object: KubeObject): Work
  remove(object: KubeObject): Work
}

/** Enough to answer for the dependents of anything that was deleted lately; older ones are asked of the server. */
const remembered = 10_000

export const ownersOf = ({ metadata }: KubeObject): readonly OwnerReference[] => metadata.ownerReferences ?? []

export const isBeingDeleted = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined

export const hasFinalizer = ({ metadata }: KubeObject, finalizer: string): boolean =>
  metadata.finalizers?.includes(finalizer) ?? false

/** It waits for its dependents to go first. */
export const isDeletingDependents = (object: KubeObject): boolean =>
  isBeingDeleted(object) && hasFinalizer(object, foregroundFinalizer)

const isOrphaning = (object: KubeObject): boolean => isBeingDeleted(object) && hasFinalizer(object, orphanFinalizer)

export const blocks = (dependent: KubeObject, ownerUid: string): boolean =>
  ownersOf(dependent).some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true)

export function createGraph(): Graph {
  const nodes = new Map<string, GraphNode>()
  const dependents = new Map<string, Set<string>>()
  const gone = new Set<string>()

  const link = (owner: string, dependent: string) => {
    const known = dependents.get(owner)
    if (known) known.add(dependent)
    else dependents.set(owner, new Set([dependent]))
  }
  const unlink = (owner: string, dependent: string) => {
    const known = dependents.get(owner)
    known?.delete(dependent)
    if (known?.size === 0) dependents.delete(owner)
  }
  const remember = (uid: string) => {
    gone.add(uid)
    if (gone.size > remembered) for (const oldest of gone.values().take(gone.size - remembered)) gone.delete(oldest)
  }
  const keysOf = (uid: string): string[] => [...(dependents.get(uid) ?? [])]

  /** Owners that wait for this object and do not have to any more. */
  const unblocked = (before: KubeObject | undefined, after: KubeObject | undefined): string[] =>
    (before ? ownersOf(before) : [])
      .map(({ uid }) => uid)
      .filter((uid) => {
        const owner = nodes.get(uid)
        return owner && isDeletingDependents(owner.object) && blocks(before!, uid) && !(after && blocks(after, uid))
      })

  /** References to what was never seen, or was seen elsewhere, must be checked with the server. */
  const hasDoubtfulOwner = (object: KubeObject): boolean =>
    ownersOf(object).some((reference) => {
      const owner = nodes.get(reference.uid)
      return !owner || !matches(reference, owner, object)
    })

  return {
    get: (uid) => nodes.get(uid),
    dependentsOf: (uid) => keysOf(uid).flatMap((key) => nodes.get(key) ?? []),
    isGone: (uid) => gone.has(uid),
    put(resource, object) {
      const { uid } = object.metadata
      const before = nodes.get(uid)?.object
      nodes.set(uid, { uid, resource, object })
      const owners = new Set(ownersOf(object).map((owner) => owner.uid))
      for (const owner of before ? ownersOf(before) : []) if (!owners.has(owner.uid)) unlink(owner.uid, uid)
      for (const owner of owners) link(owner, uid)

      const toDelete = unblocked(before, object)
      const news = !before || JSON.stringify(ownersOf(before)) !== JSON.stringify(ownersOf(object))
      // An owner on its way out matters as well: this dependent may have come after the others were told.
      if (
        news &&
        (hasDoubtfulOwner(object) ||
          [...owners].some((owner) => nodes.has(owner) && isDeletingDependents(nodes.get(owner)!.object)))
      )
        toDelete.push(uid)
      if (isDeletingDependents(object) && !(before && isDeletingDependents(before))) toDelete.push(...keysOf(uid), uid)
      // Dependents may have been seen first, with coordinates that turn out wrong.
      if (!before) toDelete.push(...keysOf(uid).filter((key) => nodes.has(key) && hasDoubtfulOwner(nodes.get(key)!.object)))
      return { toDelete, toOrphan: isOrphaning(object) && !(before && isOrphaning(before)) ? [uid] : [] }
    },
    remove({ metadata: { uid } }) {
      const node = nodes.get(uid)
      nodes.delete(uid)
      remember(uid)
      if (!node) return { toDelete: keysOf(uid), toOrphan: [] }
      const toDelete = [...keysOf(uid), ...unblocked(node.object, undefined)]
      for (const owner of ownersOf(node.object)) unlink(owner.uid, uid)
      return { toDelete, toOrphan: [] }
    },
  }
}

/** The reference says the truth about the owner: kind and name, and a namespace that the dependent can refer into. */
export function matches({ apiVersion, kind, name }: OwnerReference, owner: GraphNode, dependent: KubeObject): boolean {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  const { namespace } = owner.object.metadata
  return (
    group === owner.resource.group &&
    kind === owner.resource.kind &&
    name === owner.object.metadata.name &&
    (namespace === undefined || namespace === dependent.metadata.namespace)
  )
}
