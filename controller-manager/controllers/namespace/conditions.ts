/** How far the deletion of a namespace has come, as conditions that say what is left and what went wrong. Pure. */
import type { NamespaceCondition } from '../../../api/generated/types.ts'
import { formatTime } from '../../../api/time.ts'
import { findCondition } from '../../conditions.ts'

export interface Remaining {
  resource: string
  group: string
  count: number
  /** How many of them each finalizer holds. */
  finalizers: Map<string, number>
}

export interface Outcome {
  remaining: Remaining[]
  discoveryFailures: ReadonlyMap<string, Error>
  errors: Error[]
}

const types = [
  ['NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'],
  ['NamespaceDeletionGroupVersionParsingFailure', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  ['NamespaceDeletionContentFailure', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  ['NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed'],
  ['NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
] as const

type ConditionType = (typeof types)[number][0]

/** Those of others stay as they are. */
export function computeNamespaceConditions(
  old: readonly NamespaceCondition[],
  outcome: Outcome,
  now: Date,
): NamespaceCondition[] {
  const problems = problemsOf(outcome)
  const conditions = types.map(([type, okReason, okMessage]): NamespaceCondition => {
    const problem = problems.get(type)
    const next = {
      type,
      status: problem ? 'True' : 'False',
      reason: problem?.reason ?? okReason,
      message: problem?.message ?? okMessage,
    }
    const current = findCondition(old, type)
    return { ...next, lastTransitionTime: current?.status === next.status ? current.lastTransitionTime : formatTime(now) }
  })
  const ours = new Set<string>(types.map(([type]) => type))
  return [...old.filter(({ type }) => !ours.has(type)), ...conditions]
}

function problemsOf({ remaining, discoveryFailures, errors }: Outcome) {
  const problems = new Map<ConditionType, { reason: string; message: string }>()
  if (discoveryFailures.size > 0) {
    const failures = [...discoveryFailures].map(([groupVersion, { message }]) => `${groupVersion}: ${message}`).toSorted()
    problems.set('NamespaceDeletionDiscoveryFailure', {
      reason: 'DiscoveryFailed',
      message: `Discovery failed for some groups, ${failures.length} failing: unable to retrieve the complete list of server APIs: ${failures.join(', ')}`,
    })
  }
  if (errors.length > 0) {
    const messages = errors.map(({ message }) => message).toSorted()
    problems.set('NamespaceDeletionContentFailure', {
      reason: 'ContentDeletionFailed',
      message: `Failed to delete all resource types, ${messages.length} remaining: ${messages.join(', ')}`,
    })
  }
  if (remaining.length > 0) {
    const lines = remaining.map(({ resource, group, count }) => `${resource}.${group} has ${count} resource instances`).toSorted()
    problems.set('NamespaceContentRemaining', {
      reason: 'SomeResourcesRemain',
      message: `Some resources are remaining: ${lines.join(', ')}`,
    })
  }
  const finalizers = countFinalizers(remaining)
  if (finalizers.size > 0) {
    const lines = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).toSorted()
    problems.set('NamespaceFinalizersRemaining', {
      reason: 'SomeFinalizersRemain',
      message: `Some content in the namespace has finalizers remaining: ${lines.join(', ')}`,
    })
  }
  return problems
}

function countFinalizers(remaining: readonly Remaining[]): Map<string, number> {
  const totals = new Map<string, number>()
  for (const { finalizers } of remaining) {
    for (const [finalizer, count] of finalizers) totals.set(finalizer, (totals.get(finalizer) ?? 0) + count)
  }
  return totals
}
