/** NodeUnschedulable: cordoned nodes take only pods that tolerate it. */
import { tolerate, uncordon } from '../changes.ts'
import { isNodeChange, refuseForGood, type SchedulerPlugin } from '../framework.ts'
import { tolerates } from '../node-info.ts'

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }
const refusal = refuseForGood('node(s) were unschedulable')

export const nodeUnschedulable: SchedulerPlugin = {
  name: 'NodeUnschedulable',
  preFilter({ tolerations }) {
    if (tolerations.some((toleration) => tolerates(toleration, taint))) return null
    return { check: ({ node }) => (node.spec?.unschedulable ? refusal : null) }
  },
  relax: () => [[uncordon], [tolerate(taint)]],
  isHelpedBy: (_, event) => isNodeChange(event) && event.kind === 'Node' && !event.object.spec?.unschedulable,
}
