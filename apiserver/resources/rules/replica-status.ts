/** The rules of the counts that workload controllers report. */
import { invalid } from '../../../api/field-error.ts'
import { checkNotNegative, type Errors } from './field-rules.ts'

type Counts = Partial<Record<string, unknown>>

/** None is negative, and the parts are no more than the whole. */
export function validateReplicaCounts(errors: Errors, counts: Counts | undefined, members: readonly string[]): void {
  const numberOf = (member: string) => (counts?.[member] ?? 0) as number
  for (const member of ['replicas', ...members, 'observedGeneration', 'collisionCount']) {
    checkNotNegative(errors, `status.${member}`, numberOf(member))
  }
  for (const member of members) {
    if (numberOf(member) > numberOf('replicas')) {
      errors.push(invalid(`status.${member}`, numberOf(member), 'cannot be greater than status.replicas'))
    }
  }
  if (members.includes('availableReplicas') && numberOf('availableReplicas') > numberOf('readyReplicas')) {
    errors.push(invalid('status.availableReplicas', numberOf('availableReplicas'), 'cannot be greater than readyReplicas'))
  }
}
