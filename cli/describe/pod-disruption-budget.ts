/** A disruption budget: how many of its pods must stay, and how many may go now. */
import type { PodDisruptionBudget } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { Page } from './page.ts'

export const podDisruptionBudgetDescriber: Describer<PodDisruptionBudget> = {
  kind: 'PodDisruptionBudget',
  group: 'policy',
  describe({ metadata, spec = {}, status = {} }, _, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    if (spec.minAvailable !== undefined) page.line(0, 'Min available:', spec.minAvailable)
    else if (spec.maxUnavailable !== undefined) page.line(0, 'Max unavailable:', spec.maxUnavailable)
    page.line(0, 'Selector:', spec.selector ? formatLabelSelector(spec.selector) : '<unset>')
    page.line(0, 'Status:')
    page.line(2, 'Allowed disruptions:', status.disruptionsAllowed ?? 0)
    page.line(2, 'Current:', status.currentHealthy ?? 0)
    page.line(2, 'Desired:', status.desiredHealthy ?? 0)
    page.line(2, 'Total:', status.expectedPods ?? 0)
    return describeEvents(page, events, now).toString()
  },
}
