/** The CEL conditions of a webhook: one that is false keeps a write from it, whatever its rules say. Pure. */
import { compileCel, describeError, fromJson, type CelProgram } from '../../api/cel/compile.ts'
import { CelError } from '../../api/cel/values.ts'
import type { MatchCondition } from '../../api/generated/types.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import { createAuthorizerValue } from '../policies/authorizer-value.ts'
import type { Authorizer } from '../auth/user.ts'
import { toReview, type Told } from './admission-review.ts'

/** What an expression may name. */
const VARIABLES = ['object', 'oldObject', 'request', 'authorizer']

export interface CompiledCondition {
  expression: string
  /** Undefined: nobody can evaluate it, as validation should have said. */
  program: CelProgram | undefined
}

/** Why this server cannot evaluate the expression; null when it can. */
export function expressionComplaint(expression: string): string | null {
  try {
    compileCel(expression, VARIABLES)
    return null
  } catch (error) {
    return `compilation failed: ${describeError(expression, error as CelError)}`
  }
}

export const compileConditions = (conditions: readonly MatchCondition[] = []): CompiledCondition[] =>
  conditions.map(({ expression }) => ({
    expression,
    program: expressionComplaint(expression) === null ? compileCel(expression, VARIABLES) : undefined,
  }))

export type Judgement = { matches: boolean } | { error: string }

/** A condition that is false counts for more than one that fails. */
export function judgeConditions(
  conditions: readonly CompiledCondition[],
  attributes: AdmissionAttributes,
  told: Told,
  authorizer: Authorizer,
): Judgement {
  const { object, oldObject, ...request } = toReview('', ['v1'], attributes, told).request as Record<string, unknown>
  const variables = {
    object: fromJson(object),
    oldObject: fromJson(oldObject),
    request: fromJson(request),
    authorizer: createAuthorizerValue(authorizer, attributes),
  }
  const errors: string[] = []
  for (const { expression, program } of conditions) {
    try {
      const value = program ? program.evaluate(variables) : undefined
      if (value === false) return { matches: false }
      if (value !== true) errors.push(`expression '${expression}' resulted in error: no boolean`)
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      errors.push(`expression '${expression}' resulted in error: ${error.message}`)
    }
  }
  return errors.length > 0 ? { error: errors.join(', ') } : { matches: true }
}
