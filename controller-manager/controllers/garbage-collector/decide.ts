/** What becomes of one object, given what is known of its owners. Pure. */
import type { OwnerReference } from '../../../api/generated/types.ts'
import {
  blocks,
  foregroundFinalizer,
  hasFinalizer,
  isBeingDeleted,
  isDeletingDependents,
  orphanFinalizer,
  ownersOf,
  type Graph,
  type GraphNode,
} from './graph.ts'

/** `unseen`: the server has it, but no watch has told of it yet. */
export type OwnerState = 'solid' | 'unseen' | 'waiting' | 'absent'

export type Decision =
  | { do: 'nothing' }
  | { do: 'removeFinalizer'; finalizer: string }
  | { do: 'lookAt'; uids: string[] }
  | { do: 'removeOwners'; uids: string[] }
  | { do: 'delete'; propagationPolicy: 'Foreground' | 'Background' | 'Orphan'; unblockFirst: boolean }

const nothing: Decision = { do: 'nothing' }

/** The cases that need no knowledge of owners; null when they matter. */
export function decideAlone(node: GraphNode, graph: Graph): Decision | null {
  const { object, uid } = node
  if (isDeletingDependents(object)) {
    const blocking = graph.dependentsOf(uid).filter((dependent) => blocks(dependent.object, uid))
    if (blocking.length === 0) return { do: 'removeFinalizer', finalizer: foregroundFinalizer }
    return {
      do: 'lookAt',
      uids: blocking.filter((dependent) => !isDeletingDependents(dependent.object)).map((dependent) => dependent.uid),
    }
  }
  // Being deleted is a one-way trip: its dependents follow when it is gone.
  return isBeingDeleted(object) || ownersOf(object).length === 0 ? nothing : null
}

export function decide(node: GraphNode, graph: Graph, stateOf: (owner: OwnerReference) => OwnerState): Decision {
  const { object, uid } = node
  const owners = ownersOf(object)
  const inState = (...states: OwnerState[]) => owners.filter((owner) => states.includes(stateOf(owner)))
  if (inState('solid', 'unseen').length > 0) {
    // A waiting owner would wait for ever for a dependent that someone else keeps.
    const useless = inState('absent', 'waiting').map((owner) => owner.uid)
    return useless.length === 0 ? nothing : { do: 'removeOwners', uids: useless }
  }
  const dependents = graph.dependentsOf(uid)
  if (inState('waiting').length > 0 && dependents.length > 0) {
    const maybeCycle = dependents.some((dependent) => isDeletingDependents(dependent.object))
    return { do: 'delete', propagationPolicy: 'Foreground', unblockFirst: maybeCycle }
  }
  const propagationPolicy = hasFinalizer(object, orphanFinalizer)
    ? 'Orphan'
    : hasFinalizer(object, foregroundFinalizer)
      ? 'Foreground'
      : 'Background'
  return { do: 'delete', propagationPolicy, unblockFirst: false }
}
