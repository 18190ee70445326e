/** What a compiled expression runs with: its variables, and how much it may still cost. */
import { CelError, type CelValue } from './values.ts'

/** Variables, innermost first. */
export interface Scope {
  name: string
  value: CelValue
  outer: Scope | undefined
}

/** What is left to spend: each step costs one, and functions what there is to look at. Shared by those who share it. */
export interface CelBudget {
  left: number
}

export interface State {
  scope: Scope | undefined
  budget: CelBudget
}

export type Run = (state: State) => CelValue

/** Upstream's limit for one expression. */
export const MAX_COST = 1_000_000

export function charge(budget: CelBudget, cost: number): void {
  budget.left -= cost
  if (budget.left < 0) throw new CelError('operation cancelled: actual cost limit exceeded')
}

export function lookUp(name: string, scope: Scope | undefined): CelValue {
  for (let at = scope; at; at = at.outer) if (at.name === name) return at.value
  throw new CelError(`no such attribute(s): ${name}`)
}
