/** Runs the expressions of one policy on one write: their variables, and what they may cost together. */
import { fromJson } from '../../api/cel/compile.ts'
import { MAX_COST } from '../../api/cel/run.ts'
import { CelError, CelOpaque, type CelMap, type CelValue } from '../../api/cel/values.ts'
import type { Namespace } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'
import { toReview, type Told } from '../webhooks/admission-review.ts'
import { createAuthorizerValue } from './authorizer-value.ts'
import type { CompiledExpression, CompiledVariable } from './expressions.ts'

/** Upstream's limit for all expressions of a policy. */
const MAX_POLICY_COST = 10_000_000

export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

/** What every policy sees of a write, in the version that it asks for. */
export function toVariables(attributes: AdmissionAttributes, told: Told, { authorizer, reader }: AdmissionContext): CelMap {
  const { uid: _uid, object, oldObject, ...request } = toReview('', ['v1'], attributes, told).request as Record<string, unknown>
  // Upstream tells a namespace of itself in no other way than as the object.
  const namespace = told.kind.kind === 'Namespace' && told.kind.group === '' ? '' : attributes.namespace
  const found = namespace ? reader.get('Namespace', { name: namespace }) : undefined
  return {
    object: fromJson(object),
    oldObject: fromJson(oldObject),
    request: fromJson(request),
    namespaceObject: fromJson(found ? withoutManagedFields(found) : null),
    authorizer: createAuthorizerValue(authorizer, attributes),
  }
}

function withoutManagedFields({ metadata, ...rest }: Namespace): object {
  const { managedFields: _managedFields, ...kept } = metadata
  return { ...rest, metadata: kept }
}

export interface Evaluation {
  /** Throws an EvaluationError in upstream's words. */
  run(compiled: CompiledExpression): CelValue
  /** Whether the policy is about the write; one condition that is false counts for more than one that fails. */
  matches(conditions: readonly CompiledExpression[]): boolean
}

/** `told`: from `toVariables`. Each variable is found out when it is first asked for, and only then. */
export function createEvaluation(
  told: CelMap,
  params: KubeObject | undefined,
  variables: readonly CompiledVariable[],
): Evaluation {
  let left = MAX_POLICY_COST
  const known = new Map<string, CelValue | CelError>()
  const evaluate = ({ program, complaint }: CompiledExpression): CelValue => {
    if (!program) throw new CelError(`compilation error: ${complaint}`)
    const budget = { left: Math.min(MAX_COST, left) }
    const before = budget.left
    try {
      return program.evaluate(all, budget)
    } finally {
      left -= before - Math.max(0, budget.left)
    }
  }
  const variable = (name: string): CelValue | undefined => {
    const compiled = variables.find((one) => one.name === name)
    if (!compiled) return undefined
    let value = known.get(name)
    if (value === undefined) {
      try {
        value = evaluate(compiled)
      } catch (error) {
        if (!(error instanceof CelError)) throw error
        value = new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`)
      }
      known.set(name, value)
    }
    if (value instanceof CelError) throw value
    return value
  }
  const all: CelMap = {
    ...told,
    params: params === undefined ? null : fromJson(params),
    variables: new CelOpaque('kubernetes.variables', '', {}, { field: variable }),
  }
  const run = (compiled: CompiledExpression): CelValue => {
    if (left <= 0)
      throw new EvaluationError('validation failed due to running out of cost budget, no further validation rules will be run')
    try {
      return evaluate(compiled)
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      throw new EvaluationError(`expression '${compiled.expression.trim()}' resulted in error: ${error.message}`)
    }
  }
  return { run, matches: (conditions) => matchesAll(conditions, run) }
}

function matchesAll(conditions: readonly CompiledExpression[], run: Evaluation['run']): boolean {
  const errors: string[] = []
  for (const condition of conditions) {
    try {
      if (run(condition) !== true) return false
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      errors.push(error.message)
    }
  }
  if (errors.length > 0) throw new EvaluationError(errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`)
  return true
}
