/** DynamicResources: no devices are allocated here yet, so a pod that claims some waits and says so, rather than start without. */
import { refuseForGood, type SchedulerPlugin } from '../framework.ts'

const refusal = refuseForGood('cannot allocate all claims')

export const dynamicResources: SchedulerPlugin = {
  name: 'DynamicResources',
  preFilter: ({ pod }) => (pod.spec.resourceClaims?.length ? { check: () => refusal } : null),
}
