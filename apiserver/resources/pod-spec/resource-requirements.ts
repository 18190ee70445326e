/** The rules of requests and limits. */
import { duplicate, forbidden, invalid, required } from '../../../api/field-error.ts'
import type { ResourceRequirements } from '../../../api/generated/types.ts'
import { compareQuantityText } from '../../../api/quantity.ts'
import type { Errors } from '../rules/field-rules.ts'
import {
  isHugePage,
  isOvercommitAllowed,
  type ResourceList,
  validateContainerResourceName,
  validateQuantityValue,
} from '../rules/quantities.ts'

export function validateResourceRequirements(
  errors: Errors,
  path: string,
  { limits, requests, claims }: ResourceRequirements,
): void {
  for (const name in limits) validateOne(errors, `${path}.limits`, name, limits[name]!)
  for (const name in requests) {
    validateOne(errors, `${path}.requests`, name, requests[name]!)
    validateAgainstLimit(errors, path, name, requests[name]!, limits?.[name])
  }
  if ((hasHugePages(limits) || hasHugePages(requests)) && !hasCompute(limits) && !hasCompute(requests)) {
    errors.push(forbidden(path, 'HugePages require cpu or memory'))
  }
  const seen = new Set<string>()
  claims?.forEach(({ name, request }, i) => {
    const key = `${name}/${request ?? ''}`
    if (!name) errors.push(required(`${path}.claims[${i}].name`))
    else if (seen.has(key)) errors.push(duplicate(`${path}.claims[${i}]`, name))
    seen.add(key)
  })
}

function validateOne(errors: Errors, path: string, name: string, quantity: string): void {
  // Nearly all of them: worth not building a path for.
  if ((name === 'cpu' || name === 'memory') && !quantity.startsWith('-')) return
  const at = `${path}[${name}]`
  validateContainerResourceName(errors, at, name)
  validateQuantityValue(errors, at, name, quantity)
}

function validateAgainstLimit(errors: Errors, path: string, name: string, request: string, limit: string | undefined): void {
  if (limit === undefined) {
    if (!isOvercommitAllowed(name)) errors.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'))
    return
  }
  if (request === limit) return
  const difference = compareQuantityText(request, limit)
  if (difference !== 0 && !isOvercommitAllowed(name)) {
    errors.push(invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`))
  } else if (difference > 0) {
    errors.push(invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`))
  }
}

function hasHugePages(list: ResourceList | undefined): boolean {
  for (const name in list) if (isHugePage(name)) return true
  return false
}

const hasCompute = (list: ResourceList | undefined): boolean => list?.cpu !== undefined || list?.memory !== undefined
