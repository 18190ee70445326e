/** NodeName: a pod that names its node goes nowhere else. */
import { isNodeChange, refuseForGood, type SchedulerPlugin } from '../framework.ts'

const refusal = refuseForGood("node(s) didn't match the requested node name")

export const nodeName: SchedulerPlugin = {
  name: 'NodeName',
  preFilter({ pod }) {
    const wanted = pod.spec.nodeName
    return wanted ? { check: ({ name }) => (name === wanted ? null : refusal) } : null
  },
  isHelpedBy: (_, event) => isNodeChange(event),
}
