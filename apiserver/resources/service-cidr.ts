/** ServiceCIDR and IPAddress: the ranges cluster IPs come from, and the addresses in use. */
import { invalid, required } from '../../api/field-error.ts'
import type { IPAddress, ServiceCIDR } from '../../api/generated/types.ts'
import { ipFamily, isDNS1123Label, isDNS1123Subdomain, isPathSegment, isValidCIDR, isValidIP, nameRule } from '../../api/names.ts'
import { AGE, NAME, text } from './columns.ts'
import { check, checkRequired, type Errors } from './rules/field-rules.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

export const serviceCidr: ResourceBehaviour<ServiceCIDR> = {
  validate: ({ spec }) => {
    const errors: Errors = []
    const cidrs = spec.cidrs ?? []
    if (cidrs.length === 0) errors.push(required('spec.cidrs', 'at least one CIDR required'))
    if (cidrs.length > 2) errors.push(invalid('spec', spec, 'may only hold up to 2 values'))
    cidrs.forEach((cidr, i) => check(errors, `spec.cidrs[${i}]`, cidr, isValidCIDR(cidr)))
    if (cidrs.length === 2 && familyOf(cidrs[0]!) === familyOf(cidrs[1]!)) {
      errors.push(
        invalid('spec', spec, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96'),
      )
    }
    return errors
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Errors = []
    // A second family may join; what is there stays.
    old.spec.cidrs?.forEach((cidr, i) => {
      if (spec.cidrs?.[i] !== cidr) errors.push(invalid(`spec.cidrs[${i}]`, spec.cidrs?.[i] ?? '', 'field is immutable'))
    })
    return errors
  },
  columns: [NAME, text('CIDRs', 'The ranges.', ({ spec }) => (spec.cidrs ?? []).join(',')), AGE],
  hasStatus: true,
}

const familyOf = (cidr: string) => ipFamily(cidr.split('/')[0] ?? '')

const isAddress = nameRule(isValidIP)

export const ipAddress: ResourceBehaviour<IPAddress> = {
  validateName: isAddress,
  validate: ({ spec }) => {
    const errors: Errors = []
    const parent = spec.parentRef
    if (!parent) {
      errors.push(required('spec.parentRef'))
      return errors
    }
    const at = 'spec.parentRef'
    if (parent.group) check(errors, `${at}.group`, parent.group, isDNS1123Subdomain(parent.group))
    if (checkRequired(errors, `${at}.resource`, parent.resource))
      check(errors, `${at}.resource`, parent.resource, isPathSegment(parent.resource))
    if (checkRequired(errors, `${at}.name`, parent.name)) check(errors, `${at}.name`, parent.name, isPathSegment(parent.name))
    if (parent.namespace) check(errors, `${at}.namespace`, parent.namespace, isDNS1123Label(parent.namespace))
    return errors
  },
  validateUpdate: ({ spec }, old) =>
    sameJson(spec.parentRef, old.spec.parentRef) ? [] : [invalid('spec.parentRef', spec.parentRef, 'field is immutable')],
  columns: [
    NAME,
    text('ParentRef', 'The object that the address belongs to.', ({ spec }) => {
      if (!spec.parentRef) return ''
      const { group, resource, namespace, name } = spec.parentRef
      return [group ? `${resource}.${group}` : resource, ...(namespace ? [namespace] : []), name].join('/')
    }),
    AGE,
  ],
}
