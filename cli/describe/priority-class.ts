/** A priority class: how much more its pods matter than others. */
import type { PriorityClass } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatPairs, Page } from './page.ts'

export const priorityClassDescriber: Describer<PriorityClass> = {
  kind: 'PriorityClass',
  group: 'scheduling.k8s.io',
  describe({ metadata, value, globalDefault, preemptionPolicy, description }, _, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Value:', value)
    page.line(0, 'GlobalDefault:', globalDefault ?? false)
    page.line(0, 'PreemptionPolicy:', preemptionPolicy)
    page.line(0, 'Description:', description)
    page.line(0, 'Annotations:', formatPairs(metadata.annotations))
    return describeEvents(page, events, now).toString()
  },
}
