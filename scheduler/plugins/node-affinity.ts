/** NodeAffinity: nodeSelector and node affinity, required and preferred. */
import { isNodeChange, normalizeToMax, refuseForGood, type SchedulerPlugin } from '../framework.ts'
import { compileTerm, pinnedNodeNames } from '../node-selector.ts'

const refusal = refuseForGood("node(s) didn't match Pod's node affinity/selector")

export const nodeAffinity: SchedulerPlugin = {
  name: 'NodeAffinity',
  preFilter({ pod, selectsNode }) {
    if (!selectsNode) return null
    const check = ({ node }: { node: Parameters<typeof selectsNode>[0] }) => (selectsNode(node) ? null : refusal)
    const only = pinnedNodeNames(pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
    return only ? { check, only } : { check }
  },
  preScore({ pod }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution
    if (!preferred?.length) return null
    const terms = preferred.map(({ preference, weight }) => ({ weight, test: compileTerm(preference) }))
    return {
      score: ({ node }) => terms.reduce((sum, { weight, test }) => (test(node) ? sum + weight : sum), 0),
      normalize: (scores) => normalizeToMax(scores),
    }
  },
  isHelpedBy: ({ selectsNode }, event) =>
    isNodeChange(event) && event.kind === 'Node' && (!selectsNode || selectsNode(event.object)),
}
