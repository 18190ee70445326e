/** The CEL expressions of admission policies: compiled once, what they may name, and what is wrong with them. */
import { compileCel, describeError, type CelOptions, type CelProgram } from '../../api/cel/compile.ts'
import { CelError } from '../../api/cel/values.ts'
import type { Variable } from '../../api/generated/types.ts'

export interface CompiledExpression {
  expression: string
  /** Undefined: it was stored by a server that knows more than this one. */
  program: CelProgram | undefined
  complaint: string
}

/** What an expression is for, and so what it may come to. */
export type Purpose = 'condition' | 'validation' | 'message' | 'annotation' | 'variable' | 'ApplyConfiguration' | 'JSONPatch'

/** What the policy offers its expressions. */
export interface Offered {
  hasParams: boolean
  variables: readonly string[]
}

const RESULTS: Readonly<Record<Purpose, { types: readonly string[]; complaint: string } | undefined>> = {
  condition: { types: ['bool'], complaint: 'must evaluate to bool' },
  validation: { types: ['bool'], complaint: 'must evaluate to bool' },
  message: { types: ['string'], complaint: 'must evaluate to string' },
  annotation: { types: ['string', 'null_type'], complaint: 'must evaluate to one of [string null_type]' },
  variable: undefined,
  ApplyConfiguration: { types: ['Object'], complaint: 'must evaluate to Object' },
  JSONPatch: { types: ['list'], complaint: 'must evaluate to list(JSONPatch)' },
}

function optionsFor(purpose: Purpose, variables: readonly string[]): CelOptions {
  const isMutation = purpose === 'ApplyConfiguration' || purpose === 'JSONPatch' || purpose === 'variable'
  return { members: { variables }, ...(isMutation && { types: ['Object', 'JSONPatch'] }) }
}

export function compileExpression(expression: string, purpose: Purpose, { hasParams, variables }: Offered): CompiledExpression {
  const names = ['object', 'oldObject', 'request', 'namespaceObject', 'authorizer']
  if (hasParams) names.push('params')
  if (purpose !== 'condition') names.push('variables')
  try {
    const program = compileCel(expression, names, optionsFor(purpose, variables))
    const result = RESULTS[purpose]
    if (result && program.type !== 'dyn' && !result.types.includes(program.type))
      return { expression, program: undefined, complaint: result.complaint }
    return { expression, program, complaint: '' }
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return { expression, program: undefined, complaint: `compilation failed: ${describeError(expression, error)}` }
  }
}

export interface CompiledVariable extends CompiledExpression {
  name: string
}

/** A variable may name those before it. */
export const compileVariables = (variables: readonly Variable[] | undefined, hasParams: boolean): CompiledVariable[] =>
  (variables ?? []).map(({ name, expression }, at, all) => ({
    name,
    ...compileExpression(expression, 'variable', { hasParams, variables: all.slice(0, at).map((one) => one.name) }),
  }))
