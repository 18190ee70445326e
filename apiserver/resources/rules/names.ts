/** The rules of metadata.name, in the shape that a resource's `validateName` has. */
import {
  isDNS1035Label,
  isDNS1123Label,
  isDNS1123Subdomain,
  isPathSegment,
  nameRule,
  pathSegmentPrefixComplaints,
} from '../../../api/names.ts'

export const isDnsSubdomain = nameRule(isDNS1123Subdomain)
export const isDnsLabel = nameRule(isDNS1123Label)
export const isServiceName = nameRule(isDNS1035Label)

/** Roles and the like: anything that can stand between two slashes of a URL. */
export const isUrlSegment = (name: string, prefix: boolean): string | null =>
  (prefix ? pathSegmentPrefixComplaints(name) : isPathSegment(name)).join(', ') || null
