/** MutatingAdmissionPolicy: what its expressions make of an object, by a JSON patch or by applying a configuration. */
import { MAX_COST } from '../../api/cel/run.ts'
import { weigh } from '../../api/cel/values.ts'
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, ObjectMeta } from '../../api/generated/types.ts'
import { deepEqual, isJsonObject, type Json, type JsonObject } from '../../api/json.ts'
import { applyPatch } from '../../api/patch/apply.ts'
import { applyJsonPatch } from '../../api/patch/json-patch.ts'
import { ApiError } from '../../api/status.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'
import { mergeTypeOf } from '../writes/field-managers.ts'
import type { ServedResources } from '../served-resources.ts'
import type { Store } from '../storage/store.ts'
import { callAgain, replaceContents, stateOf } from '../webhooks/reinvocation.ts'
import { untell } from '../webhooks/told.ts'
import { createEvaluation, EvaluationError, type Evaluation } from './evaluation.ts'
import { compileExpression, type CompiledExpression, type Offered } from './expressions.ts'
import { createJudged, findInvocations, isJudged, type Invocation, type Judged } from './invocations.ts'
import type { PolicyIndex } from './policy-index.ts'
import { refuse } from './refuse.ts'
import { toJson } from './to-json.ts'

type Policy = MutatingAdmissionPolicy
type Binding = MutatingAdmissionPolicyBinding

export type MutatingRules = readonly { type: 'ApplyConfiguration' | 'JSONPatch'; expression: CompiledExpression }[]
export type MutatingIndex = PolicyIndex<Policy, Binding, MutatingRules>

interface Parts {
  store: Store
  resources: ServedResources
  index: MutatingIndex
}

export const compileMutatingRules = ({ spec }: Policy, offered: Offered): MutatingRules =>
  (spec.mutations ?? []).map(({ patchType, jsonPatch, applyConfiguration }) => {
    const type = patchType === 'JSONPatch' ? 'JSONPatch' : 'ApplyConfiguration'
    const { expression = '' } = (type === 'JSONPatch' ? jsonPatch : applyConfiguration) ?? {}
    return { type, expression: compileExpression(expression, type, offered) }
  })

export async function mutateByPolicies(parts: Parts, attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> {
  const policies = parts.index.candidates(attributes.operation, attributes.resource, attributes.subresource)
  if (policies.length === 0 || !isJudged(attributes) || !attributes.object) return
  const judged = createJudged(parts.resources, attributes, context)
  const { invocations, broken } = await findInvocations({ ...parts, context }, policies, judged)
  for (const { policy, binding, message } of broken) fail(attributes, policy, binding, message)
  const state = stateOf(attributes)
  for (const invocation of invocations) {
    const { compiled, binding, params } = invocation
    const { namespace = '', name = '' } = params?.metadata ?? {}
    const id = `policy ${compiled.policy.metadata.name}/${binding.metadata.name}/${namespace}/${name}`
    if (state.round === 1 && !state.again.has(id)) continue
    if (await mutate(parts, invocation, judged, context)) {
      callAgain(state)
      state.wanted = true
    }
    if (compiled.policy.spec.reinvocationPolicy === 'IfNeeded') state.called.add(id)
  }
}

function fail(attributes: AdmissionAttributes, policy: Policy, binding: Binding | undefined, message: string): void {
  if (policy.spec.failurePolicy === 'Ignore') return
  const by = `policy '${policy.metadata.name}'${binding ? ` with binding '${binding.metadata.name}'` : ''}`
  throw refuse(attributes, `${by} denied request: ${message}`, 'Invalid')
}

/** Whether the object is another one now. All mutations of a policy happen, or none does. */
async function mutate(
  { resources }: Parts,
  { compiled, binding, as, params }: Invocation<Policy, Binding, MutatingRules>,
  judged: Judged,
  context: AdmissionContext,
): Promise<boolean> {
  const { request } = judged
  const { attributes } = request
  const target = resources.find(as.group, as.version, as.resource)
  const before = attributes.object!
  let changed = false
  try {
    const first = createEvaluation(await judged.variables(as), params, compiled.variables)
    if (!first.matches(compiled.conditions)) return false
    let evaluation: Evaluation = first
    for (const { type, expression } of compiled.rules) {
      const { object } = await judged.told(as)
      const patched = patch(type, object as unknown as JsonObject, evaluate(evaluation, expression), (config) =>
        applyPatch({
          live: withoutManagers(object as unknown as JsonObject),
          config,
          manager: 'policy',
          force: true,
          type: mergeTypeOf({ resource: target! }),
          now: context.now(),
        }),
      )
      if (deepEqual(patched, object)) continue
      const after = await untell(resources, request, as, patched)
      checkIdentity(after.metadata, before.metadata)
      if (!changed) attributes.object = structuredClone(before)
      replaceContents(attributes.object!, after)
      changed = true
      judged.forget()
      evaluation = createEvaluation(await judged.variables(as), params, compiled.variables)
    }
  } catch (error) {
    attributes.object = before
    judged.forget()
    if (!(error instanceof EvaluationError || error instanceof ApiError)) throw error
    fail(attributes, compiled.policy, binding, error.message)
    return false
  }
  if (!changed) return false
  // Others hold on to the object.
  const after = attributes.object!
  attributes.object = before
  replaceContents(before, after)
  return true
}

function checkIdentity(after: Partial<ObjectMeta>, before: Partial<ObjectMeta>): void {
  for (const field of ['name', 'namespace'] as const)
    if ((after[field] ?? '') !== (before[field] ?? '')) throw new EvaluationError(`metadata.${field} may not be changed`)
}

function evaluate(evaluation: Evaluation, expression: CompiledExpression): Json {
  const value = evaluation.run(expression)
  // What refers to one part many times over is small until it is written out.
  if (weigh(value) > MAX_COST)
    throw new EvaluationError(`expression '${expression.expression.trim()}' resulted in too large a value`)
  return toJson(value)
}

function patch(
  type: 'ApplyConfiguration' | 'JSONPatch',
  object: JsonObject,
  value: Json,
  apply: (config: JsonObject) => JsonObject,
): Json {
  if (type === 'JSONPatch') {
    if (!Array.isArray(value)) throw new EvaluationError('type mismatch: JSONPatchType.Of expects a list of JSONPatch values')
    return applyOperations(object, value)
  }
  if (!isJsonObject(value)) throw new EvaluationError('unexpected expression result type: expected Object')
  for (const field of ['apiVersion', 'kind'])
    if (Object.hasOwn(value, field)) throw new EvaluationError(`${field} is not allowed in an apply configuration`)
  const merged = apply({ apiVersion: object['apiVersion']!, kind: object['kind']!, ...value })
  const { managedFields: _managers, ...metadata } = merged['metadata'] as JsonObject
  const { managedFields } = object['metadata'] as JsonObject
  return { ...merged, metadata: { ...metadata, ...(managedFields !== undefined && { managedFields }) } }
}

function applyOperations(object: JsonObject, operations: Json[]): Json {
  try {
    return applyJsonPatch(object, operations)
  } catch (error) {
    throw new EvaluationError(`JSON Patch: ${(error as Error).message}`)
  }
}

function withoutManagers(object: JsonObject): JsonObject {
  const { managedFields: _managers, ...metadata } = object['metadata'] as JsonObject
  return { ...object, metadata }
}
