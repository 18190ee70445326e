/** Counts that may be given as percentages. */
import { invalid } from '../../../api/field-error.ts'
import { isValidPercent } from '../../../api/names.ts'
import { check, checkNotNegative, type Errors } from './field-rules.ts'

export function validateIntOrPercent(errors: Errors, path: string, value: number | string | undefined): void {
  if (typeof value === 'string') check(errors, path, value, isValidPercent(value))
  else checkNotNegative(errors, path, value)
}

export function checkAtMost100Percent(errors: Errors, path: string, value: number | string | undefined): void {
  if (typeof value === 'string' && Number.parseInt(value) > 100)
    errors.push(invalid(path, value, 'must not be greater than 100%'))
}

/** Is it nothing, written either way? */
export const isZero = (value: number | string | undefined): boolean =>
  value === undefined || (typeof value === 'string' ? Number.parseInt(value) === 0 : value === 0)
