/** What a job's successPolicy makes of the indexes that have succeeded: the first rule that is met decides. Pure. */
import type { Job, SuccessPolicyRule } from '../../../api/generated/types.ts'
import { parseIndexes } from './pods.ts'

/** The message of the condition, or null while no rule is met. */
export function matchSuccessPolicy({ spec }: Job, completed: ReadonlySet<number>): string | null {
  const rules = spec.successPolicy?.rules ?? []
  const met = rules.findIndex((rule) => isMet(rule, completed, spec.completions ?? 0))
  return met < 0 ? null : `Matched rules at index ${met}`
}

function isMet({ succeededCount, succeededIndexes }: SuccessPolicyRule, completed: ReadonlySet<number>, limit: number): boolean {
  if (succeededIndexes === undefined) return completed.size >= (succeededCount ?? Infinity)
  const listed = parseIndexes(succeededIndexes, limit)
  return listed.intersection(completed).size >= (succeededCount ?? listed.size)
}
