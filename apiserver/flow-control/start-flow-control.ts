/** Flow control for this server: made with its seats, and kept as the stored objects say. */
import type { ApiContext } from '../api-context.ts'
import { FlowControl } from './flow-control.ts'
import { followConfiguration } from './follow-configuration.ts'
import type { Following } from './follow-objects.ts'

export interface FlowControlStart {
  maxRequestsInFlight: number
  maxMutatingRequestsInFlight: number
  /** On by default. */
  priorityAndFairness?: boolean
  requestTimeoutMs: number
}

/** Once the store has started. From when this returns no request goes uncounted. */
export function startFlowControl(context: ApiContext, options: FlowControlStart): Following | undefined {
  const { maxRequestsInFlight, maxMutatingRequestsInFlight, priorityAndFairness = true, requestTimeoutMs } = options
  if (!priorityAndFairness) return undefined
  const { store, resources, metrics, logger, now, health } = context
  const flowControl = new FlowControl({
    totalSeats: maxRequestsInFlight + maxMutatingRequestsInFlight,
    requestTimeoutMs,
    metrics,
    stored: ({ group, version, resource, namespace }) => {
      const found = resources.find(group, version, resource)
      return found ? store.count(found.prefix, namespace || undefined) : 0
    },
    onDrained: () => following.wake(),
  })
  context.flowControl = flowControl
  const following = followConfiguration({ store, flowControl, logger, now })
  for (const name of ['priority-and-fairness-config-consumer', 'priority-and-fairness-filter'])
    health.add({ name: `poststarthook/${name}`, check: () => null })
  return following
}
