/** ValidatingAdmissionPolicy: what its expressions say of a write, and what the bindings make of that: Deny, Warn, Audit. */
import type { CelValue } from '../../api/cel/values.ts'
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Validation } from '../../api/generated/types.ts'
import type { StatusReason } from '../../api/status.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'
import type { ServedResources } from '../served-resources.ts'
import type { Store } from '../storage/store.ts'
import { refuse } from './refuse.ts'
import { createEvaluation, EvaluationError, type Evaluation } from './evaluation.ts'
import { compileExpression, type CompiledExpression, type Offered } from './expressions.ts'
import { createJudged, findInvocations, isJudged, type Invocation, type Judged } from './invocations.ts'
import type { PolicyIndex } from './policy-index.ts'

type Policy = ValidatingAdmissionPolicy
type Binding = ValidatingAdmissionPolicyBinding

export interface ValidatingRules {
  validations: readonly { validation: Validation; expression: CompiledExpression; message: CompiledExpression | undefined }[]
  annotations: readonly { key: string; value: CompiledExpression }[]
}

export type ValidatingIndex = PolicyIndex<Policy, Binding, ValidatingRules>

/** Upstream's limits of what an expression may say. */
const MAX_MESSAGE = 5 * 1024
const MAX_ANNOTATION = 10 * 1024

export const compileValidatingRules = ({ spec }: Policy, offered: Offered): ValidatingRules => ({
  validations: (spec.validations ?? []).map((validation) => ({
    validation,
    expression: compileExpression(validation.expression, 'validation', offered),
    message: validation.messageExpression ? compileExpression(validation.messageExpression, 'message', offered) : undefined,
  })),
  annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
    key,
    value: compileExpression(valueExpression, 'annotation', offered),
  })),
})

interface Denial {
  policy: Policy
  binding: Binding | undefined
  message: string
  reason: StatusReason
}

interface Failure {
  message: string
  reason: string | undefined
  index: number
}

/** What has been found out about a write so far. */
interface Findings {
  denials: Denial[]
  audited: object[]
  annotations: Map<string, Set<string>>
}

export async function validateByPolicies(
  parts: { store: Store; resources: ServedResources; index: ValidatingIndex },
  attributes: AdmissionAttributes,
  context: AdmissionContext,
): Promise<void> {
  const policies = parts.index.candidates(attributes.operation, attributes.resource, attributes.subresource)
  if (policies.length === 0 || !isJudged(attributes)) return
  const judged = createJudged(parts.resources, attributes, context)
  const { invocations, broken } = await findInvocations({ ...parts, context }, policies, judged)
  const findings: Findings = { denials: [], audited: [], annotations: new Map() }
  for (const one of broken) if (one.policy.spec.failurePolicy !== 'Ignore') findings.denials.push({ ...one, reason: 'Invalid' })
  for (const invocation of invocations) await judge(invocation, judged, findings)
  publish(attributes, findings)
  const [denial] = findings.denials
  if (!denial) return
  const { policy, binding, message, reason } = denial
  const by = `ValidatingAdmissionPolicy '${policy.metadata.name}'${binding ? ` with binding '${binding.metadata.name}'` : ''}`
  throw refuse(attributes, `${by} denied request: ${message}`, reason)
}

async function judge(
  invocation: Invocation<Policy, Binding, ValidatingRules>,
  judged: Judged,
  findings: Findings,
): Promise<void> {
  const { compiled, binding, as, params } = invocation
  const { policy, rules, conditions, variables } = compiled
  const evaluation = createEvaluation(await judged.variables(as), params, variables)
  const failures: Failure[] = []
  const insists = policy.spec.failurePolicy !== 'Ignore'
  /** Whether it could be told. */
  const attempt = (index: number, run: () => void) => {
    try {
      run()
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      if (insists) failures.push({ message: error.message, reason: undefined, index })
    }
  }
  let isAbout = true
  attempt(0, () => (isAbout = evaluation.matches(conditions)))
  if (!isAbout) return
  if (failures.length === 0) {
    rules.validations.forEach((rule, index) =>
      attempt(index, () => {
        if (evaluation.run(rule.expression) === true) return
        failures.push({ message: messageOf(rule, evaluation), reason: rule.validation.reason, index })
      }),
    )
    for (const { key, value } of rules.annotations)
      attempt(0, () => annotate(findings, `${policy.metadata.name}/${key}`, evaluation.run(value)))
  }
  for (const failure of failures) report(judged.request.attributes, policy, binding, failure, findings)
}

function messageOf({ validation, message }: ValidatingRules['validations'][number], evaluation: Evaluation): string {
  let own = ''
  try {
    const said = message ? evaluation.run(message) : ''
    own = typeof said === 'string' ? said.trim() : ''
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
  }
  if (own !== '' && own.length <= MAX_MESSAGE && !own.includes('\n')) return own
  return validation.message?.trim() || `failed expression: ${validation.expression.trim()}`
}

function report(attributes: AdmissionAttributes, policy: Policy, binding: Binding, failure: Failure, findings: Findings): void {
  const { message, index, reason = 'Invalid' } = failure
  const names = { policy: policy.metadata.name, binding: binding.metadata.name }
  const actions = binding.spec.validationActions ?? []
  for (const action of actions) {
    if (action === 'Deny') findings.denials.push({ policy, binding, message, reason: reason as StatusReason })
    if (action === 'Audit') findings.audited.push({ message, ...names, expressionIndex: index, validationActions: actions })
    if (action === 'Warn')
      attributes.warnings.push(
        `Validation failed for ValidatingAdmissionPolicy '${names.policy}' with binding '${names.binding}': ${message}`,
      )
  }
}

function annotate({ annotations }: Findings, key: string, value: CelValue): void {
  if (value === null) return
  if (typeof value !== 'string') throw new EvaluationError(`valueExpression of ${key} resulted in unsupported return type`)
  const said = value.trim().slice(0, MAX_ANNOTATION)
  if (said === '') return
  annotations.set(key, (annotations.get(key) ?? new Set()).add(said))
}

function publish({ auditAnnotations }: AdmissionAttributes, { audited, annotations }: Findings): void {
  if (!auditAnnotations) return
  for (const [key, values] of annotations) auditAnnotations[key] = [...values].join(', ')
  if (audited.length > 0) auditAnnotations['validation.policy.admission.k8s.io/validation_failure'] = JSON.stringify(audited)
}
