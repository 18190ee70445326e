/** Lease. */
import { invalid, required } from '../../api/field-error.ts'
import type { Lease } from '../../api/generated/types.ts'
import { AGE, NAME, text } from './columns.ts'
import { checkNotNegative, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'

export const lease: ResourceBehaviour<Lease> = {
  setDefaults: (lease) => {
    lease.spec ??= {}
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    const { leaseDurationSeconds: duration, leaseTransitions, strategy, preferredHolder } = spec
    if (duration !== undefined && duration <= 0)
      errors.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'))
    checkNotNegative(errors, 'spec.leaseTransitions', leaseTransitions)
    if (preferredHolder && !strategy)
      errors.push(required('spec.strategy', 'strategy must be defined when preferredHolder is defined'))
    return errors
  },
  columns: [NAME, text('Holder', 'The identity of the holder of the lease.', ({ spec }) => spec?.holderIdentity ?? ''), AGE],
  createOnUpdate: true,
  unconditionalUpdate: false,
}
