/** TaintToleration: keeps pods off nodes whose taints they do not tolerate, and prefers nodes with fewer to put up with. */
import type { Taint, Toleration } from '../../api/generated/types.ts'
import { taintToString, tolerate, uncordon, withoutTaint } from '../changes.ts'
import { isNodeChange, normalizeToMax, refuseForGood, type Change, type SchedulerPlugin } from '../framework.ts'
import { findUntolerated, keepsAway, tolerates } from '../node-info.ts'

/** Tolerations that say nothing of the effect, or this one. */
const forSoftTaints = (tolerations: readonly Toleration[]) =>
  tolerations.filter(({ effect }) => !effect || effect === 'PreferNoSchedule')

/** Taints that tell a state of the node: the state is what should change. */
const states: Record<string, string> = {
  'node.kubernetes.io/not-ready': 'were ready',
  'node.kubernetes.io/unreachable': 'were reachable',
  'node.kubernetes.io/memory-pressure': 'had enough memory free',
  'node.kubernetes.io/disk-pressure': 'had enough disk space free',
  'node.kubernetes.io/pid-pressure': 'had enough process ids free',
  'node.kubernetes.io/network-unavailable': 'had its network',
}

function putUpWith(taint: Taint): Change {
  if (taint.key === 'node.kubernetes.io/unschedulable') return uncordon
  const state = states[taint.key]
  if (!state) return tolerate(taint)
  const text = `the node ${state} (it has the taint ${taintToString(taint)})`
  return { kind: text, text, cost: 0.1, node: (node) => withoutTaint(node, taint.key) }
}

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
  relax: ({ tolerations }, { taints }) => [
    taints.filter((taint) => keepsAway(taint) && !tolerations.some((toleration) => tolerates(toleration, taint))).map(putUpWith),
  ],
  // A new node is tainted until it is Ready: trying it before would only make the backoff longer.
  isHelpedBy: ({ tolerations }, event) =>
    event.kind === 'Node' && isNodeChange(event) && !findUntolerated({ taints: event.object.spec?.taints ?? [] }, tolerations),
}
