/** NodeAffinity: nodeSelector and node affinity, required and preferred; a profile may add its own for all pods. */
import type { Node, NodeAffinity } from '../../api/generated/types.ts'
import { isNodeChange, normalizeToMax, refuseForGood, type SchedulerPlugin } from '../framework.ts'
import { compileNodeSelector, compileTerm, pinnedNodeNames } from '../node-selector.ts'
import { relaxNodeSelection } from '../relax-node-selection.ts'

/** Upstream's NodeAffinityArgs. */
export interface NodeAffinityArguments {
  /** Holds besides what pods ask for themselves. */
  addedAffinity?: NodeAffinity | undefined
}

const refusal = refuseForGood("node(s) didn't match Pod's node affinity/selector")
const enforcedRefusal = refuseForGood("node(s) didn't match scheduler-enforced node affinity")

export function createNodeAffinity({ addedAffinity }: NodeAffinityArguments = {}): SchedulerPlugin {
  const required = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const isEnforced = required ? compileNodeSelector(required) : null
  const suits = (selectsNode: ((node: Node) => boolean) | null, node: Node) =>
    (!isEnforced || isEnforced(node)) && (!selectsNode || selectsNode(node))
  return {
    name: 'NodeAffinity',
    preFilter({ pod, selectsNode }) {
      if (!selectsNode && !isEnforced) return null
      const check = ({ node }: { node: Node }) => {
        if (isEnforced && !isEnforced(node)) return enforcedRefusal
        return !selectsNode || selectsNode(node) ? null : refusal
      }
      const only = pinnedNodeNames(pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
      return only ? { check, only } : { check }
    },
    preScore({ pod }) {
      const preferred = [
        ...(addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
        ...(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
      ]
      if (preferred.length === 0) return null
      const terms = preferred.map(({ preference, weight }) => ({ weight, test: compileTerm(preference) }))
      return {
        score: ({ node }) => terms.reduce((sum, { weight, test }) => (test(node) ? sum + weight : sum), 0),
        normalize: (scores) => normalizeToMax(scores),
      }
    },
    // What the profile enforces is not the pod's to change.
    relax: ({ pod }, { node }) => (isEnforced && !isEnforced(node) ? [] : relaxNodeSelection(pod, node)),
    isHelpedBy: ({ selectsNode }, event) => isNodeChange(event) && event.kind === 'Node' && suits(selectsNode, event.object),
  }
}
