/** NodeResourcesBalancedAllocation: prefers nodes on which no resource would be much fuller than the others. */
import { MAX_SCORE, type SchedulerPlugin } from '../framework.ts'

export const nodeResourcesBalancedAllocation: SchedulerPlugin = {
  name: 'NodeResourcesBalancedAllocation',
  preScore({ requests }) {
    // A pod that asks for nothing balances nothing.
    if (requests.milliCpu === 0 && requests.memory === 0) return null
    return {
      score({ requested, allocatable }) {
        if (allocatable.milliCpu === 0 || allocatable.memory === 0) return MAX_SCORE
        const cpu = Math.min(1, (requested.milliCpu + requests.milliCpu) / allocatable.milliCpu)
        const memory = Math.min(1, (requested.memory + requests.memory) / allocatable.memory)
        // Of two values the standard deviation is half their distance.
        return Math.floor((1 - Math.abs(cpu - memory) / 2) * MAX_SCORE)
      },
    }
  },
}
