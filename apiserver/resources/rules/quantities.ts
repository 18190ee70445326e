/** Resource lists as they are stored and checked: canonical quantities, known resource names, whole numbers where they must be. */
import { invalid } from '../../../api/field-error.ts'
import { isQualifiedName } from '../../../api/names.ts'
import { canonicalQuantity, parseQuantity } from '../../../api/quantity.ts'
import { check, type Errors, NOT_NEGATIVE } from './field-rules.ts'

export type ResourceList = Record<string, string>

/** In place; numbers become text. Throws a QuantityError, which `defineResource` turns into upstream's 400. */
export function canonicalizeResourceList(list: ResourceList | undefined): void {
  for (const name in list) {
    const value = list[name] as string | number
    const canonical = canonicalQuantity(typeof value === 'string' ? value : String(value))
    if (canonical !== value) list[name] = canonical
  }
}

/** As above, for one member that holds a quantity. */
export function canonicalizeQuantity<K extends string>(holder: { [key in K]?: string | undefined }, member: K): void {
  const value = holder[member] as string | number | undefined
  if (value !== undefined && value !== null) holder[member] = canonicalQuantity(String(value)) as (typeof holder)[K]
}

/** What a quota may count, each in whole numbers. */
const WHOLE = new Set([
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
])
const CONTAINER = new Set(['cpu', 'memory', 'ephemeral-storage'])
const QUOTA = new Set([
  ...CONTAINER,
  ...[...CONTAINER].flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'requests.storage',
  ...WHOLE,
])
const STANDARD = new Set([...QUOTA, 'storage'])

export const isHugePage = (name: string): boolean => name.startsWith('hugepages-')
const isStandardResource = (name: string): boolean =>
  STANDARD.has(name) || isHugePage(name) || name.startsWith('requests.hugepages-')
const isContainerResource = (name: string): boolean => CONTAINER.has(name) || isHugePage(name)
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/')

/** `example.com/gpu`: counted in whole units and never over-committed. */
export const isExtendedResource = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0

export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePage(name)

const isWholeResource = (name: string): boolean => WHOLE.has(name) || isExtendedResource(name)

const isWhole = (quantity: string): boolean => parseQuantity(quantity).nano % 1_000_000_000n === 0n

export function validateQuantityValue(errors: Errors, path: string, name: string, quantity: string): void {
  // Digits and letters only are neither negative nor, without a fraction suffix, in need of a closer look.
  if (quantity.startsWith('-')) errors.push(invalid(path, quantity, NOT_NEGATIVE))
  if (isWholeResource(name) && !isWhole(quantity)) errors.push(invalid(path, quantity, 'must be an integer'))
}

/** Is this a name that a container may ask for? */
export function validateContainerResourceName(errors: Errors, path: string, name: string): void {
  validateResourceName(errors, path, name)
  if (!name.includes('/')) {
    if (!isContainerResource(name)) errors.push(invalid(path, name, 'must be a standard resource for containers'))
  } else if (!isNative(name) && !isExtendedResource(name)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"))
  }
}

export function validateResourceName(errors: Errors, path: string, name: string): void {
  const complaints = isQualifiedName(name)
  check(errors, path, name, complaints)
  if (complaints.length === 0 && !name.includes('/') && !isStandardResource(name)) {
    errors.push(invalid(path, name, 'must be a standard resource type or fully qualified'))
  }
}

export const isQuotaResource = (name: string): boolean =>
  QUOTA.has(name) || isHugePage(name) || name.startsWith('requests.hugepages-')

/** `count/deployments.apps` counts objects of any kind. */
export function validateQuotaResourceName(errors: Errors, path: string, name: string): void {
  validateResourceName(errors, path, name)
  if (!name.includes('/') && !isQuotaResource(name)) {
    errors.push(invalid(path, name, 'must be a standard resource for quota'))
  }
}
