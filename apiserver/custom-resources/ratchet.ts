/** An update is refused for what it changes only: rules that came after the object was stored wait for a change of what they are about. */
import type { FieldError } from '../../api/field-error.ts'
import { deepEqual } from '../../api/json.ts'

/** Those errors about values that differ between `object` and `old`. Pure. */
export function newErrors(errors: readonly FieldError[], object: object, old: object): FieldError[] {
  return errors.filter(({ field, reason }) => {
    // What is missing is a matter of the object that misses it; a combination has no place that could be compared.
    const path = reason === 'FieldValueRequired' ? parentOf(field) : field
    return path === '<nil>' || !deepEqual(valueAt(object, path), valueAt(old, path))
  })
}

const parentOf = (field: string): string => field.slice(0, Math.max(0, field.lastIndexOf('.')))

/** Undefined where the path leads nowhere. A name with a dot in it is found as well: the longest member that fits is taken. */
function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value
  if (typeof value !== 'object' || value === null) return undefined
  const index = /^\[(\d+)\]\.?/.exec(path)
  if (index) return valueAt((value as unknown[])[Number(index[1])], path.slice(index[0].length))
  for (let end = path.length; end > 0; end--) {
    const next = path[end]
    if (next !== undefined && next !== '.' && next !== '[') continue
    const name = path.slice(0, end)
    if (Object.hasOwn(value, name))
      return valueAt((value as Record<string, unknown>)[name], path.slice(next === '.' ? end + 1 : end))
  }
  return undefined
}
