/** Regular expressions that users send, in Go's syntax: never the backtracking kind, which one of them could stop the server with. */
import { RE2JS } from 're2js'

/** Without end none of them is, but its work is the product of what it was compiled to and the text. */
export interface PatternBudget {
  left: number
}

/** For all the texts of one object: a second or two. */
export const patternBudget = (): PatternBudget => ({ left: 100_000_000 })

/** Undefined when it would take more than is left. */
export type Pattern = (value: string, budget: PatternBudget) => boolean | undefined

const compiled = new Map<string, { matches: Pattern; size: number }>()

/** Instructions of the expressions kept: schemas come and go, and share theirs. */
const MOST_KEPT = 1_000_000
let kept = 0

/** Throws when it is no expression. */
export function compilePattern(pattern: string): Pattern {
  const known = compiled.get(pattern)
  if (known) return known.matches
  const expression = RE2JS.compile(pattern)
  const size = expression.programSize()
  const matches: Pattern = (value, budget) => {
    budget.left -= size * value.length
    return budget.left < 0 ? undefined : expression.test(value)
  }
  if (kept + size > MOST_KEPT) {
    compiled.clear()
    kept = 0
  }
  compiled.set(pattern, { matches, size })
  kept += size
  return matches
}

/** Why it is no expression; null when it is one. */
export function patternComplaint(pattern: string): string | null {
  try {
    compilePattern(pattern)
    return null
  } catch (error) {
    return (error as Error).message
  }
}
