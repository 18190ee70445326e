/** SchedulingGates: a pod waits until all its gates have been taken away. */
import type { SchedulerPlugin } from '../framework.ts'

export const schedulingGates: SchedulerPlugin = {
  name: 'SchedulingGates',
  preEnqueue({ pod }) {
    const gates = pod.spec.schedulingGates ?? []
    return gates.length === 0 ? null : `waiting for scheduling gates: [${gates.map(({ name }) => name).join(' ')}]`
  },
}
