/** The spec of jobs and of job templates: defaults and rules that both share. */
import { invalid, notSupported, required } from '../../../api/field-error.ts'
import type { JobSpec, PodFailurePolicy } from '../../../api/generated/types.ts'
import { checkNotNegative, checkOneOf, checkSupported, type Errors } from './field-rules.ts'
import { validatePodTemplate } from '../pod-spec/template.ts'

const MAX_INDEXED_PARALLELISM = 100_000
const MAX_RULES = 20
const MAX_EXIT_CODES = 255

export function validateJobSpec(errors: Errors, path: string, spec: JobSpec): void {
  const { parallelism, completions, completionMode } = spec
  checkNotNegative(errors, `${path}.parallelism`, parallelism)
  checkNotNegative(errors, `${path}.completions`, completions)
  checkNotNegative(errors, `${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds)
  checkNotNegative(errors, `${path}.backoffLimit`, spec.backoffLimit)
  checkNotNegative(errors, `${path}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished)
  checkNotNegative(errors, `${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex)
  checkNotNegative(errors, `${path}.maxFailedIndexes`, spec.maxFailedIndexes)
  if (completionMode !== undefined) {
    checkSupported(errors, `${path}.completionMode`, completionMode, ['Indexed', 'NonIndexed'])
    if (completionMode === 'Indexed') validateIndexed(errors, path, spec)
  }
  if (completionMode !== 'Indexed') {
    const why = 'requires indexed completion mode'
    if (spec.backoffLimitPerIndex !== undefined)
      errors.push(invalid(`${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, why))
    if (spec.successPolicy) errors.push(invalid(`${path}.successPolicy`, spec.successPolicy, why))
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  }
  checkSupported(errors, `${path}.podReplacementPolicy`, spec.podReplacementPolicy, ['Failed', 'TerminatingOrFailed'])
  if (spec.podFailurePolicy) validateFailurePolicy(errors, `${path}.podFailurePolicy`, spec.podFailurePolicy, spec)
  validatePodTemplate(errors, `${path}.template`, spec.template)
  validateRestartPolicy(errors, `${path}.template.spec.restartPolicy`, spec)
}

function validateIndexed(errors: Errors, path: string, { completions, parallelism = 1, maxFailedIndexes }: JobSpec): void {
  if (completions === undefined) errors.push(required(`${path}.completions`, 'when completion mode is Indexed'))
  if (parallelism > MAX_INDEXED_PARALLELISM) {
    const why = `must be less than or equal to ${MAX_INDEXED_PARALLELISM} when completion mode is Indexed`
    errors.push(invalid(`${path}.parallelism`, parallelism, why))
  }
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    errors.push(invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'))
  }
}

/** Defaulting has made an empty one `Always`. */
function validateRestartPolicy(errors: Errors, path: string, { template, podFailurePolicy }: JobSpec): void {
  const policy = template.spec?.restartPolicy
  if (!policy || policy === 'Always') errors.push(required(path, 'valid values: "OnFailure", "Never"'))
  else if (policy !== 'OnFailure' && policy !== 'Never') errors.push(notSupported(path, policy, ['OnFailure', 'Never']))
  else if (podFailurePolicy && policy !== 'Never') {
    errors.push(invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified'))
  }
}

function validateFailurePolicy(errors: Errors, path: string, { rules = [] }: PodFailurePolicy, spec: JobSpec): void {
  if (rules.length > MAX_RULES) {
    errors.push({
      reason: 'FieldValueTooMany',
      field: `${path}.rules`,
      message: `Too many: ${rules.length}: must have at most ${MAX_RULES} items`,
    })
  }
  const names = new Set(
    [...(spec.template.spec?.containers ?? []), ...(spec.template.spec?.initContainers ?? [])].map(({ name }) => name),
  )
  rules.forEach((rule, i) => {
    const at = `${path}.rules[${i}]`
    checkOneOf(errors, `${at}.action`, rule.action, ['Count', 'FailIndex', 'FailJob', 'Ignore'])
    if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
      errors.push(invalid(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'))
    }
    const { onExitCodes, onPodConditions = [] } = rule
    if (onExitCodes && onPodConditions.length > 0) {
      errors.push(invalid(at, '<nil>', 'specifying both OnExitCodes and OnPodConditions is not supported'))
    } else if (!onExitCodes && onPodConditions.length === 0) {
      errors.push(invalid(at, '<nil>', 'specifying one of OnExitCodes and OnPodConditions is required'))
    }
    if (onExitCodes) validateExitCodes(errors, `${at}.onExitCodes`, onExitCodes, names)
    onPodConditions.forEach(({ status }, j) =>
      checkOneOf(errors, `${at}.onPodConditions[${j}].status`, status, ['False', 'True', 'Unknown']),
    )
  })
}

type ExitCodes = NonNullable<PodFailurePolicy['rules'][number]['onExitCodes']>

function validateExitCodes(
  errors: Errors,
  path: string,
  { operator, values, containerName }: ExitCodes,
  names: Set<string>,
): void {
  checkOneOf(errors, `${path}.operator`, operator, ['In', 'NotIn'])
  if (containerName !== undefined && !names.has(containerName)) {
    errors.push(
      invalid(`${path}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template'),
    )
  }
  if (values.length === 0) errors.push(invalid(`${path}.values`, values, 'at least one value is required'))
  if (values.length > MAX_EXIT_CODES) {
    errors.push({
      reason: 'FieldValueTooMany',
      field: `${path}.values`,
      message: `Too many: ${values.length}: must have at most ${MAX_EXIT_CODES} items`,
    })
  }
  values.forEach((value, i) => {
    const at = `${path}.values[${i}]`
    if (operator === 'In' && value === 0) errors.push(invalid(at, value, 'must not be 0 for the In operator'))
    if (values.indexOf(value) < i) errors.push({ reason: 'FieldValueDuplicate', field: at, message: `Duplicate value: ${value}` })
    if (i > 0 && values[i - 1]! > value) errors.push(invalid(`${path}.values`, values, 'must be ordered'))
  })
}
