/** Which flow schema a request falls to: the first, by precedence, whose rules match who asks and what for. */
import type { FlowSchema } from '../../api/generated/types.ts'
import type { UserInfo } from '../auth/user.ts'
import type { RequestInfo } from '../requests/request-info.ts'
import { compileRule, type CompiledRule, type MatchRequest } from './match-rules.ts'

/** Users whose rules are kept at hand. One more makes a new beginning: finding them costs microseconds. */
const USERS_KEPT = 2000

export type Classify<Target> = (info: RequestInfo, user: UserInfo) => Target

interface OfUser<Target> {
  groups: readonly string[]
  rules: readonly { target: Target; matches: MatchRequest }[]
}

/**
 * What is decided by the user alone is found once a user, so that a request costs a look-up and a rule or two, and allocates nothing.
 * `fallback` is for who is in no group that any schema names.
 */
export function createClassifier<Target>(
  schemas: readonly { schema: FlowSchema; target: Target }[],
  fallback: Target,
): Classify<Target> {
  const compiled = schemas
    .toSorted((a, b) => byPrecedence(a.schema, b.schema))
    .flatMap(({ schema, target }) => (schema.spec.rules ?? []).map((rule) => ({ target, ...compileRule(rule) })))
  const users = new Map<string, OfUser<Target>>()
  const rulesOf = (user: UserInfo) => {
    const known = users.get(user.username)
    // One name may come with other groups: impersonated, or with another credential.
    if (known && areSame(known.groups, user.groups)) return known.rules
    if (users.size >= USERS_KEPT) users.clear()
    const rules = rulesFor(compiled, user)
    users.set(user.username, { groups: user.groups, rules })
    return rules
  }
  return (info, user) => {
    for (const { target, matches } of rulesOf(user)) if (matches(info)) return target
    return fallback
  }
}

/** As upstream orders them: lower first, then by name. */
function byPrecedence(a: FlowSchema, b: FlowSchema): number {
  const difference = (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0)
  return difference || (a.metadata.name < b.metadata.name ? -1 : 1)
}

const rulesFor = <Target>(rules: readonly (CompiledRule & { target: Target })[], user: UserInfo) =>
  rules.filter(({ matchesUser }) => matchesUser(user)).map(({ target, matchesRequest }) => ({ target, matches: matchesRequest }))

function areSame(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
