/** The small rules that validation is made of. Each adds what it finds to `errors`; nothing is allocated when all is well. */
import { duplicate, invalid, notSupported, required, type FieldError } from '../../../api/field-error.ts'
import type { Complaints } from '../../../api/names.ts'
import { sameJson } from './same-json.ts'

export type Errors = FieldError[]

export const NOT_NEGATIVE = 'must be greater than or equal to 0'
export const POSITIVE = 'must be greater than zero'
export const IMMUTABLE = 'field is immutable'

/** One error for each complaint that a rule of api/names.ts has about the value. */
export function check(errors: Errors, field: string, value: unknown, complaints: Complaints): void {
  for (const complaint of complaints) errors.push(invalid(field, value, complaint))
}

export function checkRequired(errors: Errors, field: string, value: string | undefined, detail = ''): boolean {
  if (value) return true
  errors.push(required(field, detail))
  return false
}

/** Empty is an error too: for fields that defaulting fills. */
export function checkOneOf(errors: Errors, field: string, value: string | undefined, supported: readonly string[]): void {
  if (!value) errors.push(required(field))
  else if (!supported.includes(value)) errors.push(notSupported(field, value, supported))
}

/** Empty is fine: for fields that may stay away. */
export function checkSupported(errors: Errors, field: string, value: string | undefined, supported: readonly string[]): void {
  if (value !== undefined && value !== null && !supported.includes(value)) errors.push(notSupported(field, value, supported))
}

export function checkNotNegative(errors: Errors, field: string, value: number | undefined): void {
  if (value !== undefined && value < 0) errors.push(invalid(field, value, NOT_NEGATIVE))
}

export function checkImmutable(errors: Errors, field: string, value: unknown, old: unknown): void {
  if (!sameJson(value, old)) errors.push(invalid(field, value ?? null, IMMUTABLE))
}

/** Remembers `value` in `seen`; a second time is a duplicate. */
export function checkUnique(errors: Errors, field: string, value: string, seen: Set<string>): void {
  if (seen.has(value)) errors.push(duplicate(field, value))
  else seen.add(value)
}

export const CONDITION_STATUSES = ['True', 'False', 'Unknown']
