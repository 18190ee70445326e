/** The rules of autoscalers: bounds, target, metrics, behaviour. */
import { forbidden, invalid, notSupported, required } from '../../../api/field-error.ts'
import type {
  V2CrossVersionObjectReference,
  V2HorizontalPodAutoscaler,
  V2HPAScalingRules,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
} from '../../../api/generated/types.ts'
import { isPathSegment } from '../../../api/names.ts'
import { check, checkOneOf, checkRequired, checkSupported, type Errors, NOT_NEGATIVE, POSITIVE } from '../rules/field-rules.ts'
import { validateLabelSelector } from '../rules/label-selector.ts'

const MAX_PERIOD = 1800
const MAX_WINDOW = 3600

export function validateAutoscalerSpec(spec: V2HorizontalPodAutoscaler['spec']): Errors {
  const errors: Errors = []
  const { minReplicas, maxReplicas, scaleTargetRef, metrics, behavior } = spec
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'))
  }
  if (!(maxReplicas >= 1)) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  }
  validateReference(errors, 'spec.scaleTargetRef', scaleTargetRef)
  metrics?.forEach((metric, i) => validateMetric(errors, `spec.metrics[${i}]`, metric))
  if (behavior?.scaleUp) validateRules(errors, 'spec.behavior.scaleUp', behavior.scaleUp)
  if (behavior?.scaleDown) validateRules(errors, 'spec.behavior.scaleDown', behavior.scaleDown)
  return errors
}

function validateReference(errors: Errors, path: string, reference: V2CrossVersionObjectReference | undefined): void {
  for (const member of ['kind', 'name'] as const) {
    const value = reference?.[member]
    if (checkRequired(errors, `${path}.${member}`, value)) check(errors, `${path}.${member}`, value, isPathSegment(value!))
  }
}

const TYPES: Record<string, 'object' | 'pods' | 'resource' | 'external' | 'containerResource'> = {
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
  External: 'external',
  ContainerResource: 'containerResource',
}

function validateMetric(errors: Errors, path: string, metric: V2MetricSpec): void {
  if (!metric.type) {
    errors.push(required(`${path}.type`, 'must specify a metric source type'))
    return
  }
  const expected = TYPES[metric.type]
  if (!expected) {
    errors.push(notSupported(`${path}.type`, metric.type, Object.keys(TYPES).sort()))
    return
  }
  const present = Object.values(TYPES).filter((source) => metric[source])
  // A lone wrong one is told by the right one being missing.
  for (const source of present.length === 1 ? [] : present) {
    if (source !== expected) errors.push(forbidden(`${path}.${source}`, 'must populate the given metric source only'))
  }
  if (!metric[expected]) errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'))
  if (metric.object) {
    validateReference(errors, `${path}.object.describedObject`, metric.object.describedObject)
    validateIdentifier(errors, `${path}.object.metric`, metric.object.metric)
    validateEitherValue(errors, `${path}.object.target`, metric.object.target, 'must set either a target value or averageValue')
  }
  if (metric.external) {
    validateIdentifier(errors, `${path}.external.metric`, metric.external.metric)
    validateEitherValue(
      errors,
      `${path}.external.target`,
      metric.external.target,
      'must set either a target value for metric or a per-pod target',
    )
  }
  if (metric.pods) {
    validateIdentifier(errors, `${path}.pods.metric`, metric.pods.metric)
    validateTarget(errors, `${path}.pods.target`, metric.pods.target)
    if (!metric.pods.target?.averageValue) {
      errors.push(required(`${path}.pods.target.averageValue`, 'must specify a positive target averageValue'))
    }
  }
  if (metric.resource) validateResourceSource(errors, `${path}.resource`, metric.resource)
  if (metric.containerResource) {
    checkRequired(errors, `${path}.containerResource.container`, metric.containerResource.container, 'must specify a container')
    validateResourceSource(errors, `${path}.containerResource`, metric.containerResource)
  }
}

function validateResourceSource(errors: Errors, path: string, { name, target }: { name: string; target: V2MetricTarget }): void {
  checkRequired(errors, `${path}.name`, name, 'must specify a resource name')
  validateTarget(errors, `${path}.target`, target)
  const { averageUtilization, averageValue } = target ?? {}
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(`${path}.target.averageUtilization`, averageUtilization, 'must be greater than 0'))
  }
  if (averageUtilization === undefined && averageValue === undefined) {
    errors.push(required(`${path}.target.averageUtilization`, 'must set either a target raw value or a target utilization'))
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.push(forbidden(`${path}.target.averageValue`, 'may not set both a target raw value and a target utilization'))
  }
}

function validateEitherValue(errors: Errors, path: string, target: V2MetricTarget, neither: string): void {
  validateTarget(errors, path, target)
  const { value, averageValue } = target ?? {}
  if (value === undefined && averageValue === undefined) {
    errors.push(required(`${path}.averageValue`, neither))
  }
  if (value !== undefined && averageValue !== undefined) {
    errors.push(forbidden(`${path}.value`, 'may not set both a target value for metric and a per-pod target'))
  }
}

function validateTarget(errors: Errors, path: string, target: V2MetricTarget): void {
  checkOneOf(errors, `${path}.type`, target?.type, ['AverageValue', 'Utilization', 'Value'])
  for (const member of ['value', 'averageValue'] as const) {
    const quantity = target?.[member]
    if (quantity !== undefined && (quantity === '0' || quantity.startsWith('-'))) {
      errors.push(invalid(`${path}.${member}`, quantity, 'must be positive'))
    }
  }
}

function validateIdentifier(errors: Errors, path: string, identifier: V2MetricIdentifier): void {
  if (checkRequired(errors, `${path}.name`, identifier?.name, 'must specify a metric name')) {
    check(errors, `${path}.name`, identifier.name, isPathSegment(identifier.name))
  }
  validateLabelSelector(errors, `${path}.selector`, identifier?.selector)
}

function validateRules(errors: Errors, path: string, rules: V2HPAScalingRules): void {
  const { stabilizationWindowSeconds: seconds, selectPolicy, policies } = rules
  if (seconds !== undefined && seconds < 0) {
    errors.push(invalid(`${path}.stabilizationWindowSeconds`, seconds, 'must be greater than or equal to zero'))
  }
  if (seconds !== undefined && seconds > MAX_WINDOW) {
    errors.push(invalid(`${path}.stabilizationWindowSeconds`, seconds, `must be less than or equal to ${MAX_WINDOW}`))
  }
  checkSupported(errors, `${path}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min'])
  if (!policies?.length) errors.push(required(`${path}.policies`, 'must specify at least one Policy'))
  policies?.forEach(({ type, value, periodSeconds }, i) => {
    const at = `${path}.policies[${i}]`
    if (type !== 'Pods' && type !== 'Percent') errors.push(notSupported(`${at}.type`, type, ['Percent', 'Pods']))
    if (!(value > 0)) errors.push(invalid(`${at}.value`, value, POSITIVE))
    if (!(periodSeconds > 0)) errors.push(invalid(`${at}.periodSeconds`, periodSeconds, POSITIVE))
    if (periodSeconds > MAX_PERIOD)
      errors.push(invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${MAX_PERIOD}`))
  })
  if (rules.tolerance?.startsWith('-')) errors.push(invalid(`${path}.tolerance`, rules.tolerance, NOT_NEGATIVE))
}
