/** Pod templates: what deployments, jobs and the like share of defaults, rules and selectors. */
import { invalid, notSupported, required } from '../../../api/field-error.ts'
import type { LabelSelector, PodTemplateSpec } from '../../../api/generated/types.ts'
import type { Errors } from '../rules/field-rules.ts'
import { isEmptySelector, selects, validateLabelSelector } from '../rules/label-selector.ts'
import { validateAnnotations, validateLabels } from '../rules/object-meta.ts'
import { setPodSpecDefaults } from './defaults.ts'
import { validatePodSpec } from './validate.ts'

export function setPodTemplateDefaults(template: PodTemplateSpec | undefined): void {
  if (!template) return
  template.metadata ??= {} as NonNullable<PodTemplateSpec['metadata']>
  template.spec ??= { containers: [] }
  setPodSpecDefaults(template.spec)
}

export function validatePodTemplate(errors: Errors, path: string, template: PodTemplateSpec): void {
  validateLabels(errors, `${path}.labels`, template.metadata?.labels)
  validateAnnotations(errors, `${path}.annotations`, template.metadata?.annotations)
  validatePodSpec(errors, `${path}.spec`, template.spec!)
}

interface Selecting {
  selector?: LabelSelector | undefined
  template: PodTemplateSpec
}

/** A selector that is there, not empty, and selects the template's own pods. */
export function validateSelectorAndTemplate(errors: Errors, path: string, { selector, template }: Selecting, kind: string): void {
  if (!selector) errors.push(required(`${path}.selector`))
  else {
    validateLabelSelector(errors, `${path}.selector`, selector)
    if (isEmptySelector(selector)) {
      errors.push(invalid(`${path}.selector`, selector, `empty selector is invalid for ${kind}`))
    }
  }
  validatePodTemplate(errors, `${path}.template`, template)
  const labels = template.metadata?.labels
  if (selector && !isEmptySelector(selector) && !selects(selector, labels)) {
    errors.push(invalid(`${path}.template.metadata.labels`, labels ?? null, '`selector` does not match template `labels`'))
  }
}

/** Pods that are to run for ever: those of deployments, replica sets, daemon sets and stateful sets. */
export function requireAlwaysRestart(errors: Errors, path: string, { spec }: PodTemplateSpec, kind: string): void {
  if (spec?.restartPolicy !== 'Always') {
    errors.push(notSupported(`${path}.spec.restartPolicy`, spec?.restartPolicy ?? '', ['Always']))
  }
  if (spec?.activeDeadlineSeconds !== undefined) {
    errors.push({
      reason: 'FieldValueForbidden',
      field: `${path}.spec.activeDeadlineSeconds`,
      message: `Forbidden: activeDeadlineSeconds in ${kind} is not Supported`,
    })
  }
}
