/** Regular expressions that users send, in Go's syntax: never the backtracking kind, which one of them could stop the server with. */
import { RE2JS } from 're2js'

const compiled = new Map<string, (value: string) => boolean>()

/** Expressions kept: schemas come and go, and share theirs. */
const KEPT = 2000

/** Throws when it is no expression. */
export function compilePattern(pattern: string): (value: string) => boolean {
  let matches = compiled.get(pattern)
  if (!matches) {
    if (compiled.size >= KEPT) compiled.clear()
    const expression = RE2JS.compile(pattern)
    matches = (value) => expression.matcher(value).find()
    compiled.set(pattern, matches)
  }
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
