/** LimitRange. */
import { duplicate, forbidden, invalid, required } from '../../api/field-error.ts'
import type { LimitRange, LimitRangeItem } from '../../api/generated/types.ts'
import { isQualifiedName } from '../../api/names.ts'
import { compareQuantityText, parseQuantity } from '../../api/quantity.ts'
import { check, type Errors } from './rules/field-rules.ts'
import {
  canonicalizeResourceList,
  isOvercommitAllowed,
  validateContainerResourceName,
  validateResourceName,
} from './rules/quantities.ts'
import type { ResourceBehaviour } from './resource.ts'

const LISTS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const
const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim']

export const limitRange: ResourceBehaviour<LimitRange> = {
  setDefaults: (range) => {
    range.spec ??= { limits: [] }
    for (const item of range.spec.limits ?? []) {
      for (const list of LISTS) canonicalizeResourceList(item[list])
      if (item.type === 'Container') setContainerDefaults(item)
    }
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    const types = new Set<string>()
    spec.limits?.forEach((item, i) => {
      const at = `spec.limits[${i}]`
      check(errors, `${at}.type`, item.type, isQualifiedName(item.type))
      if (!item.type.includes('/') && !TYPES.includes(item.type)) {
        errors.push(invalid(`${at}.type`, item.type, 'must be a standard limit type or fully qualified'))
      }
      if (types.has(item.type)) errors.push(duplicate(`${at}.type`, item.type))
      types.add(item.type)
      validateItem(errors, at, item)
    })
    return errors
  },
  createOnUpdate: true,
}

/** A limit that is not given is the greatest; a request, the limit or else the least. */
function setContainerDefaults(item: LimitRangeItem): void {
  const limits = (item.default ??= {})
  const requests = (item.defaultRequest ??= {})
  for (const name in item.max) limits[name] ??= item.max[name]!
  for (const name in limits) requests[name] ??= limits[name]!
  for (const name in item.min) requests[name] ??= item.min[name]!
}

function validateItem(errors: Errors, path: string, item: LimitRangeItem): void {
  const names = new Set<string>()
  for (const list of LISTS) {
    if (item.type === 'Pod' && (list === 'default' || list === 'defaultRequest')) {
      if (Object.keys(item[list] ?? {}).length > 0)
        errors.push(forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"))
      continue
    }
    for (const name in item[list]) {
      const rule = item.type === 'Pod' || item.type === 'Container' ? validateContainerResourceName : validateResourceName
      rule(errors, `${path}.${list}[${name}]`, name)
      names.add(name)
    }
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.storage === undefined && item.max?.storage === undefined) {
    errors.push(required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'))
  }
  for (const name of names) validateOrder(errors, path, name, item)
}

/** least ≤ default request ≤ default limit ≤ greatest, as far as they are given. */
function validateOrder(errors: Errors, path: string, name: string, item: LimitRangeItem): void {
  const isPod = item.type === 'Pod'
  const min = item.min?.[name]
  const max = item.max?.[name]
  const limit = isPod ? undefined : item.default?.[name]
  const request = isPod ? undefined : item.defaultRequest?.[name]
  const ratio = item.maxLimitRequestRatio?.[name]
  const ordered = (low: string | undefined, high: string | undefined, list: string, shown: string | undefined, why: string) => {
    if (low === undefined || high === undefined || compareQuantityText(low, high) <= 0) return
    errors.push(invalid(`${path}.${list}[${name}]`, shown, why))
  }
  ordered(min, max, 'min', min, `min value ${min} is greater than max value ${max}`)
  ordered(min, request, 'defaultRequest', request, `min value ${min} is greater than default request value ${request}`)
  ordered(request, max, 'defaultRequest', request, `default request value ${request} is greater than max value ${max}`)
  ordered(
    request,
    limit,
    'defaultRequest',
    request,
    `default request value ${request} is greater than default limit value ${limit}`,
  )
  ordered(min, limit, 'default', min, `min value ${min} is greater than default value ${limit}`)
  ordered(limit, max, 'default', max, `default value ${limit} is greater than max value ${max}`)
  ordered('1', ratio, 'maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`)
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const bound = Number(parseQuantity(max).nano) / Number(parseQuantity(min).nano)
    if (Number(parseQuantity(ratio).nano) / 1e9 > bound) {
      errors.push(
        invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is greater than max/min = ${bound.toFixed(6)}`),
      )
    }
  }
  if (!isOvercommitAllowed(name) && limit !== undefined && request !== undefined && compareQuantityText(limit, request) !== 0) {
    const why = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`
    errors.push(invalid(`${path}.defaultRequest[${name}]`, request, why))
  }
}
