/** Which address families a service gets, from what it asks for and what the cluster has. */
import { invalid } from '../../api/field-error.ts'
import type { Service } from '../../api/generated/types.ts'
import { ipFamily } from '../../api/names.ts'
import { sameJson } from '../resources/rules/same-json.ts'
import { isHeadless } from '../resources/service/fields.ts'
import type { FieldError } from '../../api/field-error.ts'

type Family = 'IPv4' | 'IPv6'

/** Fills ipFamilies and ipFamilyPolicy, in place. `families`: the cluster's, the primary first. */
export function setIpFamilies(service: Service, old: Service | undefined, families: readonly Family[]): FieldError[] {
  const { spec } = service
  if (spec.type === 'ExternalName') return []
  // What has been decided stays decided, whatever the cluster's ranges have become.
  if (
    old &&
    sameJson(old.spec.ipFamilies, spec.ipFamilies) &&
    sameJson(old.spec.ipFamilyPolicy, spec.ipFamilyPolicy) &&
    spec.ipFamilies?.length
  )
    return []
  const ips = (spec.clusterIPs ?? []).filter((ip) => ip !== 'None')
  const chosen = [...(spec.ipFamilies ?? [])] as Family[]
  for (const ip of ips.slice(chosen.length)) chosen.push(`IPv${ipFamily(ip)}` as Family)

  // Endpoints that somebody else writes may be of either family.
  const selectorless = isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0
  if (selectorless) {
    spec.ipFamilyPolicy ??= chosen.length === 1 ? 'SingleStack' : 'RequireDualStack'
    if (chosen.length === 0) chosen.push(families[0] ?? 'IPv4')
    if (spec.ipFamilyPolicy !== 'SingleStack' && chosen.length === 1) chosen.push(other(chosen[0]!))
    spec.ipFamilies = chosen
    return []
  }
  const errors: FieldError[] = []
  chosen.forEach((family, i) => {
    if (!families.includes(family)) errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
  })
  if (spec.ipFamilyPolicy === 'RequireDualStack' && families.length < 2) {
    errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'))
  }
  if (errors.length > 0) return errors

  spec.ipFamilyPolicy ??= 'SingleStack'
  if (chosen.length === 0) chosen.push(families[0] ?? 'IPv4')
  if (spec.ipFamilyPolicy !== 'SingleStack' && chosen.length === 1 && families.length > 1) chosen.push(other(chosen[0]!))
  if (spec.ipFamilyPolicy === 'SingleStack' && chosen.length > 1) {
    return [
      invalid(
        'spec.ipFamilyPolicy',
        spec.ipFamilyPolicy,
        'must be RequireDualStack or PreferDualStack when multiple IP families are specified',
      ),
    ]
  }
  spec.ipFamilies = chosen
  return []
}

const other = (family: Family): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4')
