/** TaintToleration: keeps pods off nodes whose taints they do not tolerate, and prefers nodes with fewer to put up with. */
import type { Toleration } from '../../api/generated/types.ts'
import { isNodeChange, normalizeToMax, refuseForGood, type SchedulerPlugin } from '../framework.ts'
import { findUntolerated, tolerates } from '../node-info.ts'

/** Tolerations that say nothing of the effect, or this one. */
const forSoftTaints = (tolerations: readonly Toleration[]) =>
  tolerations.filter(({ effect }) => !effect || effect === 'PreferNoSchedule')

export const taintToleration: SchedulerPlugin = {
  name: 'TaintToleration',
  preFilter: ({ tolerations }) => ({
    check(node) {
      const taint = findUntolerated(node, tolerations)
      return taint ? refuseForGood(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`) : null
    },
  }),
  preScore({ tolerations }, snapshot) {
    if (snapshot.softTaintedNodes() === 0) return null
    const soft = forSoftTaints(tolerations)
    return {
      score: ({ taints }) =>
        taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !soft.some((toleration) => tolerates(toleration, taint)))
          .length,
      normalize: (scores) => normalizeToMax(scores, true),
    }
  },
  // A new node is tainted until it is Ready: trying it before would only make the backoff longer.
  isHelpedBy: ({ tolerations }, event) =>
    event.kind === 'Node' && isNodeChange(event) && !findUntolerated({ taints: event.object.spec?.taints ?? [] }, tolerations),
}
