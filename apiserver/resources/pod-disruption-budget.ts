/** PodDisruptionBudget. */
import { invalid } from '../../api/field-error.ts'
import type { PodDisruptionBudget } from '../../api/generated/types.ts'
import { AGE, integer, NAME, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { checkNotNegative, checkSupported, type Errors } from './rules/field-rules.ts'
import { checkAtMost100Percent, validateIntOrPercent } from './rules/int-or-percent.ts'
import { validateLabelSelector } from './rules/label-selector.ts'
import type { ResourceBehaviour } from './resource.ts'

const COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const

export const podDisruptionBudget: ResourceBehaviour<PodDisruptionBudget> = {
  setDefaults: (budget) => {
    budget.spec ??= {}
  },
  newStatus: () => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }),
  validate: ({ spec }) => {
    const errors: Errors = []
    const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'))
    }
    for (const [member, value] of [
      ['minAvailable', minAvailable],
      ['maxUnavailable', maxUnavailable],
    ] as const) {
      if (value === undefined) continue
      validateIntOrPercent(errors, `spec.${member}`, value)
      checkAtMost100Percent(errors, `spec.${member}`, value)
    }
    validateLabelSelector(errors, 'spec.selector', selector)
    checkSupported(errors, 'spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget'])
    return errors
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    for (const member of COUNTS) checkNotNegative(errors, `status.${member}`, status?.[member])
    return errors
  },
  generationChanges: specChanges,
  columns: [
    NAME,
    text('Min Available', 'The minimum number of pods that must be available.', ({ spec }) => String(spec.minAvailable ?? 'N/A')),
    text('Max Unavailable', 'The maximum number of pods that may be unavailable.', ({ spec }) =>
      String(spec.maxUnavailable ?? 'N/A'),
    ),
    integer(
      'Allowed Disruptions',
      'Calculated number of pods that may be disrupted at this time.',
      ({ status }) => status?.disruptionsAllowed,
    ),
    AGE,
  ],
  hasStatus: true,
  unconditionalUpdate: false,
}
