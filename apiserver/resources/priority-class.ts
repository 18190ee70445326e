/** PriorityClass. */
import { forbidden } from '../../api/field-error.ts'
import type { PriorityClass } from '../../api/generated/types.ts'
import { AGE, boolean, integer, NAME, text } from './columns.ts'
import { checkImmutable, checkOneOf, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'

const HIGHEST_FOR_USERS = 1_000_000_000
/** Those that upstream makes itself: the only ones with a system name. */
const SYSTEM_CLASSES: Record<string, number> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 }

export const priorityClass: ResourceBehaviour<PriorityClass> = {
  setDefaults: (priorityClass) => {
    priorityClass.preemptionPolicy ||= 'PreemptLowerPriority'
    priorityClass.value ??= 0
  },
  validate: ({ metadata, value = 0, globalDefault, preemptionPolicy }) => {
    const errors: Errors = []
    if (metadata.name.startsWith('system-')) {
      if (SYSTEM_CLASSES[metadata.name] !== value || globalDefault) {
        const why = `priority class names with 'system-' prefix are reserved for system use only. error: ${metadata.name} is not a known system priority class`
        errors.push(forbidden('metadata.name', why))
      }
    } else if (value > HIGHEST_FOR_USERS) {
      errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST_FOR_USERS}`))
    }
    checkOneOf(errors, 'preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never'])
    return errors
  },
  validateUpdate: (priorityClass, old) => {
    const errors: Errors = []
    if (priorityClass.value !== old.value) errors.push(forbidden('value', 'may not be changed in an update.'))
    checkImmutable(errors, 'preemptionPolicy', priorityClass.preemptionPolicy, old.preemptionPolicy)
    return errors
  },
  generationChanges: () => false,
  columns: [
    NAME,
    integer('Value', 'The priority.', ({ value }) => value),
    boolean('Global-Default', 'Whether pods without a class have this one.', ({ globalDefault }) => globalDefault),
    AGE,
    text('PreemptionPolicy', 'Whether such pods make others leave.', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
}
