/** Validating- and MutatingAdmissionPolicy with their bindings: rules of their form, and of the expressions in them. */
import { duplicate, invalid, notSupported, required } from '../../api/field-error.ts'
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
  Variable,
} from '../../api/generated/types.ts'
import { compileExpression, type Offered, type Purpose } from '../policies/expressions.ts'
import { isCIdentifier, isDNS1123Subdomain, isQualifiedName } from '../../api/names.ts'
import { setMatchDefaults, validateConditions, validateMatch } from './rules/admission-rules.ts'
import { AGE, integer, NAME, text, UNSET } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { check, checkOneOf, checkRequired, type Errors } from './rules/field-rules.ts'
import { validateLabelSelector } from './rules/label-selector.ts'
import type { ResourceBehaviour } from './resource.ts'

const PARAM_KIND = text<ValidatingAdmissionPolicy | MutatingAdmissionPolicy>(
  'ParamKind',
  'ParamKind specifies the kind of resources used to parameterize this policy',
  ({ spec: { paramKind } }) => (paramKind ? `${paramKind.apiVersion}/${paramKind.kind}` : UNSET),
)

export const validatingAdmissionPolicy: ResourceBehaviour<ValidatingAdmissionPolicy> = {
  setDefaults: ({ spec }) => {
    spec.failurePolicy ??= 'Fail'
    setMatchDefaults(spec.matchConstraints)
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    const offered = validatePolicy(errors, spec)
    if (!spec.validations?.length && !spec.auditAnnotations?.length) {
      errors.push(required('spec.validations', 'validations or auditAnnotations must contain at least one item'))
      errors.push(required('spec.auditAnnotations', 'validations or auditAnnotations must contain at least one item'))
    }
    spec.validations?.forEach((validation, i) => validateValidation(errors, `spec.validations[${i}]`, validation, offered))
    spec.auditAnnotations?.forEach(({ key, valueExpression }, i) => {
      const at = `spec.auditAnnotations[${i}]`
      if (checkRequired(errors, `${at}.key`, key)) check(errors, `${at}.key`, key, isQualifiedName(key))
      if (!valueExpression?.trim()) errors.push(required(`${at}.valueExpression`, 'valueExpression is not specified'))
      else checkExpression(errors, `${at}.valueExpression`, valueExpression, 'annotation', offered)
    })
    return errors
  },
  generationChanges: specChanges,
  columns: [
    NAME,
    integer(
      'Validations',
      'Validations indicates the number of validation rules defined in this configuration',
      ({ spec }) => spec.validations?.length,
    ),
    PARAM_KIND,
    AGE,
  ],
  hasStatus: true,
}

export const mutatingAdmissionPolicy: ResourceBehaviour<MutatingAdmissionPolicy> = {
  setDefaults: ({ spec }) => {
    spec.failurePolicy ??= 'Fail'
    setMatchDefaults(spec.matchConstraints)
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    const offered = validatePolicy(errors, spec)
    if (!spec.mutations?.length) errors.push(required('spec.mutations', 'mutations must contain at least one item'))
    spec.mutations?.forEach((mutation, i) => validateMutation(errors, `spec.mutations[${i}]`, mutation, offered))
    checkOneOf(errors, 'spec.reinvocationPolicy', spec.reinvocationPolicy, ['IfNeeded', 'Never'])
    return errors
  },
  generationChanges: specChanges,
  columns: [
    NAME,
    integer(
      'Mutations',
      'Mutation indicates the number of mutations rules defined in this configuration',
      ({ spec }) => spec.mutations?.length,
    ),
    PARAM_KIND,
    AGE,
  ],
}

type PolicySpec = ValidatingAdmissionPolicy['spec'] | MutatingAdmissionPolicy['spec']

/** Answers what the policy's other expressions may name. */
function validatePolicy(errors: Errors, spec: PolicySpec): Offered {
  checkOneOf(errors, 'spec.failurePolicy', spec.failurePolicy, ['Fail', 'Ignore'])
  if (spec.paramKind) {
    checkRequired(errors, 'spec.paramKind.apiVersion', spec.paramKind.apiVersion)
    checkRequired(errors, 'spec.paramKind.kind', spec.paramKind.kind)
  }
  if (!spec.matchConstraints) errors.push(required('spec.matchConstraints'))
  else {
    validateMatch(errors, 'spec.matchConstraints', spec.matchConstraints)
    if (!spec.matchConstraints.resourceRules?.length) errors.push(required('spec.matchConstraints.resourceRules'))
  }
  const hasParams = spec.paramKind !== undefined
  validateConditions(errors, 'spec.matchConditions', spec.matchConditions)
  spec.matchConditions?.forEach(({ expression }, i) =>
    checkExpression(errors, `spec.matchConditions[${i}].expression`, expression, 'condition', { hasParams, variables: [] }),
  )
  validateVariables(errors, 'spec.variables', spec.variables, hasParams)
  return { hasParams, variables: (spec.variables ?? []).map(({ name }) => name) }
}

function checkExpression(errors: Errors, path: string, expression: string | undefined, purpose: Purpose, offered: Offered): void {
  if (!expression?.trim()) return
  const { complaint } = compileExpression(expression, purpose, offered)
  if (complaint) errors.push(invalid(path, expression, complaint))
}

function validateVariables(errors: Errors, path: string, variables: readonly Variable[] | undefined, hasParams: boolean): void {
  const names = new Set<string>()
  variables?.forEach(({ name, expression }, i) => {
    const at = `${path}[${i}]`
    if (!name) errors.push(required(`${at}.name`, 'name is not specified'))
    else {
      if (isCIdentifier(name).length > 0) errors.push(invalid(`${at}.name`, name, 'name is not a valid CEL identifier'))
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
      names.add(name)
    }
    if (!expression?.trim()) errors.push(required(`${at}.expression`, 'expression is not specified'))
    const before = variables.slice(0, i).map((one) => one.name)
    checkExpression(errors, `${at}.expression`, expression, 'variable', { hasParams, variables: before })
  })
}

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized']

function validateValidation(
  errors: Errors,
  path: string,
  { expression, message, messageExpression, reason }: Validation,
  offered: Offered,
): void {
  if (!expression?.trim()) errors.push(required(`${path}.expression`, 'expression is not specified'))
  checkExpression(errors, `${path}.expression`, expression, 'validation', offered)
  checkExpression(errors, `${path}.messageExpression`, messageExpression, 'message', offered)
  if (message !== undefined && message.trim() === '') {
    errors.push(invalid(`${path}.message`, message, 'message must be non-empty if specified'))
  } else if (message?.includes('\n')) errors.push(invalid(`${path}.message`, message, 'message must not contain line breaks'))
  else if (message === undefined && expression?.includes('\n')) {
    errors.push(required(`${path}.message`, 'message must be specified if expression contains line breaks'))
  }
  if (messageExpression !== undefined && messageExpression.trim() === '') {
    errors.push(invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'))
  }
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, REASONS))
}

function validateMutation(
  errors: Errors,
  path: string,
  { patchType, jsonPatch, applyConfiguration }: Mutation,
  offered: Offered,
): void {
  checkOneOf(errors, `${path}.patchType`, patchType, ['ApplyConfiguration', 'JSONPatch'])
  const [expected, member] = patchType === 'JSONPatch' ? [jsonPatch, 'jsonPatch'] : [applyConfiguration, 'applyConfiguration']
  if (!expected) errors.push(required(`${path}.${member}`))
  else if (!expected.expression?.trim()) errors.push(required(`${path}.${member}.expression`, 'expression is not specified'))
  else {
    const purpose = patchType === 'JSONPatch' ? 'JSONPatch' : 'ApplyConfiguration'
    checkExpression(errors, `${path}.${member}.expression`, expected.expression, purpose, offered)
  }
}

export const validatingAdmissionPolicyBinding: ResourceBehaviour<ValidatingAdmissionPolicyBinding> = {
  setDefaults: ({ spec }) => setMatchDefaults(spec.matchResources),
  validate: ({ spec }) => {
    const errors: Errors = []
    validateBinding(errors, spec)
    const actions = spec.validationActions ?? []
    if (actions.length === 0) errors.push(required('spec.validationActions', 'at least one validation action is required'))
    actions.forEach((action, i) => {
      if (!['Audit', 'Deny', 'Warn'].includes(action)) {
        errors.push(notSupported(`spec.validationActions[${i}]`, action, ['Audit', 'Deny', 'Warn']))
      }
      if (actions.indexOf(action) < i) errors.push(duplicate(`spec.validationActions[${i}]`, action))
    })
    if (actions.includes('Deny') && actions.includes('Warn')) {
      errors.push(
        invalid(
          'spec.validationActions',
          actions,
          'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
        ),
      )
    }
    return errors
  },
  generationChanges: specChanges,
  columns: bindingColumns<ValidatingAdmissionPolicyBinding>(),
}

export const mutatingAdmissionPolicyBinding: ResourceBehaviour<MutatingAdmissionPolicyBinding> = {
  setDefaults: ({ spec }) => setMatchDefaults(spec.matchResources),
  validate: ({ spec }) => {
    const errors: Errors = []
    validateBinding(errors, spec)
    return errors
  },
  generationChanges: specChanges,
  columns: bindingColumns<MutatingAdmissionPolicyBinding>(),
}

type BindingSpec = ValidatingAdmissionPolicyBinding['spec'] | MutatingAdmissionPolicyBinding['spec']

function validateBinding(errors: Errors, { policyName, paramRef, matchResources }: BindingSpec): void {
  if (checkRequired(errors, 'spec.policyName', policyName))
    check(errors, 'spec.policyName', policyName, isDNS1123Subdomain(policyName!))
  if (paramRef) validateParamRef(errors, 'spec.paramRef', paramRef)
  if (matchResources) validateMatch(errors, 'spec.matchResources', matchResources)
}

function validateParamRef(errors: Errors, path: string, { name, selector, parameterNotFoundAction }: ParamRef): void {
  if (name && selector) {
    errors.push({
      reason: 'FieldValueForbidden',
      field: `${path}.name`,
      message: 'Forbidden: name and selector are mutually exclusive',
    })
  } else if (!name && !selector) errors.push(required(path, 'one of name or selector must be specified'))
  validateLabelSelector(errors, `${path}.selector`, selector)
  if (parameterNotFoundAction === undefined) errors.push(required(`${path}.parameterNotFoundAction`))
  else if (!['Allow', 'Deny'].includes(parameterNotFoundAction)) {
    errors.push(notSupported(`${path}.parameterNotFoundAction`, parameterNotFoundAction, ['Deny', 'Allow']))
  }
}

function bindingColumns<T extends { metadata: { name: string }; spec: BindingSpec }>() {
  const params = ({ spec }: T) => {
    const { name, namespace, selector } = spec.paramRef ?? {}
    if (!spec.paramRef) return UNSET
    if (name) return namespace ? `${namespace}/${name}` : `*/${name}`
    return `${namespace ?? '*'}/${JSON.stringify(selector ?? {})}`
  }
  return [
    NAME,
    text<T>(
      'PolicyName',
      'PolicyName indicates the policy definition which the policy binding binded to',
      ({ spec }) => spec.policyName ?? '',
    ),
    text<T>('ParamRef', 'ParamRef indicates the param resource which sets the configuration param', params),
    AGE,
  ] as never[]
}
