/** resource.k8s.io: device classes, claims, their templates and slices. */
import { duplicate, invalid, required, tooMany } from '../../api/field-error.ts'
import type {
  DeviceClaim,
  DeviceClass,
  DeviceRequest,
  DeviceSelector,
  ExactDeviceRequest,
  ResourceClaimTemplate,
  ResourceResourceClaim,
  ResourceSlice,
} from '../../api/generated/types.ts'
import { isDNS1123Label, isDNS1123Subdomain } from '../../api/names.ts'
import { AGE, NAME, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { check, checkImmutable, checkOneOf, checkRequired, type Errors, IMMUTABLE } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

const MAX_SELECTORS = 32
const MAX_REQUESTS = 32
const MAX_DEVICES = 128

export const deviceClass: ResourceBehaviour<DeviceClass> = {
  validate: ({ spec }) => {
    const errors: Errors = []
    validateSelectors(errors, 'spec.selectors', spec.selectors)
    return errors
  },
  generationChanges: specChanges,
  columns: [NAME, AGE],
}

export const resourceClaim: ResourceBehaviour<ResourceResourceClaim> = {
  setDefaults: ({ spec }) => setRequestDefaults(spec.devices),
  validate: ({ spec }) => {
    const errors: Errors = []
    validateClaim(errors, 'spec.devices', spec.devices ?? {})
    return errors
  },
  validateUpdate: (claim, old) => (sameJson(claim.spec, old.spec) ? [] : [invalid('spec', claim.spec, IMMUTABLE)]),
  validateStatusUpdate: ({ status }, old) => {
    const errors: Errors = []
    const before = old.status?.allocation
    if (before && status?.allocation) checkImmutable(errors, 'status.allocation', status.allocation, before)
    const uids = new Set<string>()
    status?.reservedFor?.forEach(({ resource, name, uid }, i) => {
      const at = `status.reservedFor[${i}]`
      checkRequired(errors, `${at}.resource`, resource)
      checkRequired(errors, `${at}.name`, name)
      checkRequired(errors, `${at}.uid`, uid)
      if (uids.has(uid)) errors.push(duplicate(`${at}.uid`, uid))
      uids.add(uid)
    })
    return errors
  },
  columns: [NAME, text('State', 'A summary of the current state (allocated, pending, reserved, etc.).', stateOf), AGE],
  hasStatus: true,
}

function stateOf({ metadata, status }: ResourceResourceClaim): string {
  const states: string[] = []
  if (metadata.deletionTimestamp) states.push('deleted')
  if (!status?.allocation) {
    if (!metadata.deletionTimestamp) states.push('pending')
  } else {
    states.push('allocated')
    states.push(status.reservedFor?.length ? 'reserved' : '')
  }
  return states.filter(Boolean).join(',')
}

export const resourceClaimTemplate: ResourceBehaviour<ResourceClaimTemplate> = {
  setDefaults: ({ spec }) => setRequestDefaults(spec.spec?.devices),
  validate: ({ spec }) => {
    const errors: Errors = []
    validateClaim(errors, 'spec.spec.devices', spec.spec?.devices ?? {})
    return errors
  },
  validateUpdate: (template, old) => (sameJson(template.spec, old.spec) ? [] : [invalid('spec', template.spec, IMMUTABLE)]),
  columns: [NAME, AGE],
}

export const resourceSlice: ResourceBehaviour<ResourceSlice> = {
  validate: ({ spec }) => {
    const errors: Errors = []
    check(errors, 'spec.driver', spec.driver ?? '', isDNS1123Subdomain(spec.driver ?? ''))
    if (checkRequired(errors, 'spec.pool.name', spec.pool?.name) && spec.pool.resourceSliceCount <= 0) {
      errors.push(invalid('spec.pool.resourceSliceCount', spec.pool.resourceSliceCount, 'must be greater than zero'))
    }
    const places = [spec.nodeName, spec.nodeSelector, spec.allNodes, spec.perDeviceNodeSelection].filter(Boolean)
    const why = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
    if (places.length === 0) errors.push(required('spec', why))
    else if (places.length > 1) errors.push(invalid('spec', '{}', why))
    const devices = spec.devices ?? []
    if (devices.length > MAX_DEVICES) errors.push(tooMany('spec.devices', devices.length, MAX_DEVICES))
    const names = new Set<string>()
    devices.forEach(({ name }, i) => {
      check(errors, `spec.devices[${i}].name`, name, isDNS1123Label(name))
      if (names.has(name)) errors.push(duplicate(`spec.devices[${i}]`, name))
      names.add(name)
    })
    return errors
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'spec.driver', spec.driver, old.spec.driver)
    checkImmutable(errors, 'spec.pool.name', spec.pool?.name, old.spec.pool?.name)
    checkImmutable(errors, 'spec.nodeName', spec.nodeName, old.spec.nodeName)
    return errors
  },
  generationChanges: specChanges,
  columns: [
    NAME,
    text('Node', 'The node that the devices are on.', ({ spec }) => spec.nodeName ?? (spec.allNodes ? '<all>' : '<unset>')),
    text('Driver', 'The driver that offers them.', ({ spec }) => spec.driver),
    text('Pool', 'The pool that they belong to.', ({ spec }) => spec.pool.name),
    AGE,
  ],
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.driver': ({ spec }) => spec.driver ?? '',
  },
}

function setRequestDefaults(claim: DeviceClaim | undefined): void {
  for (const request of claim?.requests ?? []) {
    if (request.exactly) setExactDefaults(request.exactly)
    for (const sub of request.firstAvailable ?? []) setExactDefaults(sub)
  }
}

function setExactDefaults(request: Pick<ExactDeviceRequest, 'allocationMode' | 'count'>): void {
  request.allocationMode ||= 'ExactCount'
  if (request.allocationMode === 'ExactCount') request.count ||= 1
}

function validateClaim(errors: Errors, path: string, { requests = [] }: DeviceClaim): void {
  if (requests.length > MAX_REQUESTS) errors.push(tooMany(`${path}.requests`, requests.length, MAX_REQUESTS))
  const names = new Set<string>()
  requests.forEach((request, i) => {
    const at = `${path}.requests[${i}]`
    check(errors, `${at}.name`, request.name ?? '', isDNS1123Label(request.name ?? ''))
    if (names.has(request.name)) errors.push(duplicate(`${at}.name`, request.name))
    names.add(request.name)
    validateRequest(errors, at, request)
  })
}

function validateRequest(errors: Errors, path: string, { exactly, firstAvailable }: DeviceRequest): void {
  if (!exactly && !firstAvailable?.length) errors.push(required(path, 'exactly one of `exactly` or `firstAvailable` is required'))
  else if (exactly && firstAvailable?.length) {
    errors.push(invalid(path, {}, 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set'))
  }
  if (exactly) validateExact(errors, `${path}.exactly`, exactly)
  firstAvailable?.forEach((sub, i) => validateExact(errors, `${path}.firstAvailable[${i}]`, sub))
}

type Exact = Pick<ExactDeviceRequest, 'deviceClassName' | 'selectors' | 'allocationMode' | 'count'>

function validateExact(errors: Errors, path: string, { deviceClassName, selectors, allocationMode, count }: Exact): void {
  if (checkRequired(errors, `${path}.deviceClassName`, deviceClassName)) {
    check(errors, `${path}.deviceClassName`, deviceClassName, isDNS1123Subdomain(deviceClassName))
  }
  validateSelectors(errors, `${path}.selectors`, selectors)
  checkOneOf(errors, `${path}.allocationMode`, allocationMode, ['All', 'ExactCount'])
  if (allocationMode === 'All' && count) {
    errors.push(invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"))
  }
  if (allocationMode === 'ExactCount' && (count ?? 0) <= 0)
    errors.push(invalid(`${path}.count`, count, 'must be greater than zero'))
}

function validateSelectors(errors: Errors, path: string, selectors: readonly DeviceSelector[] | undefined): void {
  if (!selectors) return
  if (selectors.length > MAX_SELECTORS) errors.push(tooMany(path, selectors.length, MAX_SELECTORS))
  selectors.forEach(({ cel }, i) => {
    if (!cel) errors.push(required(`${path}[${i}].cel`))
    else if (!cel.expression?.trim()) errors.push(required(`${path}[${i}].cel.expression`))
  })
}
