/** NodeResourcesBalancedAllocation: prefers nodes on which no resource would be much fuller than the others. */
import { MAX_SCORE, type SchedulerPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { amountOf, type Resources } from '../pod-requests.ts'

/** Upstream's NodeResourcesBalancedAllocationArgs. */
export interface BalancedAllocationArguments {
  resources: readonly { name: string }[]
}

export const defaultBalancedAllocationArguments: BalancedAllocationArguments = {
  resources: [{ name: 'cpu' }, { name: 'memory' }],
}

export function createBalancedAllocation({
  resources,
}: BalancedAllocationArguments = defaultBalancedAllocationArguments): SchedulerPlugin {
  const names = resources.map(({ name }) => name)
  return {
    name: 'NodeResourcesBalancedAllocation',
    preScore({ requests }) {
      // A pod that asks for nothing balances nothing.
      if (names.every((name) => amountOf(requests, name) === 0)) return null
      return { score: (node) => Math.floor((1 - deviationOf(requests, node, names)) * MAX_SCORE) }
    },
  }
}

/** The standard deviation of how full each resource would be. */
function deviationOf(requests: Resources, { requested, allocatable }: NodeInfo, names: readonly string[]): number {
  let count = 0
  let sum = 0
  let squares = 0
  for (const name of names) {
    const capacity = amountOf(allocatable, name)
    if (capacity === 0) continue
    const share = Math.min(1, (amountOf(requested, name) + amountOf(requests, name)) / capacity)
    count++
    sum += share
    squares += share * share
  }
  if (count < 2) return 0
  const mean = sum / count
  return Math.sqrt(Math.max(0, squares / count - mean * mean))
}
