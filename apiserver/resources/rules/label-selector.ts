/** Rules of LabelSelector objects, and the questions that validation asks of them. */
import { forbidden, invalid, required } from '../../../api/field-error.ts'
import type { LabelSelector } from '../../../api/generated/types.ts'
import { toSelector } from '../../../api/labels.ts'
import { isQualifiedName, isValidLabelValue } from '../../../api/names.ts'
import { check, type Errors } from './field-rules.ts'
import { validateLabels } from './object-meta.ts'

export function validateLabelSelector(errors: Errors, path: string, selector: LabelSelector | undefined): void {
  if (!selector) return
  validateLabels(errors, `${path}.matchLabels`, selector.matchLabels)
  selector.matchExpressions?.forEach((requirement, i) => {
    const at = `${path}.matchExpressions[${i}]`
    const values = requirement.values ?? []
    switch (requirement.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
        break
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
        }
        break
      default:
        errors.push(invalid(`${at}.operator`, requirement.operator ?? '', 'not a valid selector operator'))
    }
    check(errors, `${at}.key`, requirement.key ?? '', isQualifiedName(requirement.key ?? ''))
    values.forEach((value, j) => check(errors, `${at}.values[${j}]`, value, isValidLabelValue(value)))
  })
}

export const isEmptySelector = (selector: LabelSelector | undefined): boolean =>
  !selector || (isEmptyMap(selector.matchLabels) && !selector.matchExpressions?.length)

export function isEmptyMap(map: object | undefined): boolean {
  for (const _ in map) return false
  return true
}

/** Does the selector match these labels? A selector that cannot be read has been complained about elsewhere. */
export function selects(selector: LabelSelector, labels: Record<string, string> | undefined): boolean {
  if (!selector.matchExpressions?.length) {
    for (const key in selector.matchLabels) if (labels?.[key] !== selector.matchLabels[key]) return false
    return true
  }
  try {
    return toSelector(selector).matches(labels)
  } catch {
    return true
  }
}
