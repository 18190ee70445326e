/** The rules of dnsPolicy and dnsConfig. */
import { invalid, required } from '../../../api/field-error.ts'
import type { PodSpec } from '../../../api/generated/types.ts'
import { isDNS1123Subdomain, isValidIP } from '../../../api/names.ts'
import { check, checkOneOf, type Errors } from '../rules/field-rules.ts'

const POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const MAX_NAMESERVERS = 3
const MAX_SEARCHES = 32
const MAX_SEARCH_CHARACTERS = 2048

export function validateDns(errors: Errors, path: string, { dnsPolicy, dnsConfig }: PodSpec): void {
  checkOneOf(errors, `${path}.dnsPolicy`, dnsPolicy, POLICIES)
  const at = `${path}.dnsConfig`
  if (dnsPolicy === 'None') {
    if (!dnsConfig) errors.push(required(at, 'must provide `dnsConfig` when `dnsPolicy` is None'))
    else if (!dnsConfig.nameservers?.length) {
      errors.push(required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
    }
  }
  if (!dnsConfig) return
  const { nameservers = [], searches = [], options = [] } = dnsConfig
  if (nameservers.length > MAX_NAMESERVERS) {
    errors.push(invalid(`${at}.nameservers`, nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`))
  }
  nameservers.forEach((address, i) => check(errors, `${at}.nameservers[${i}]`, address, isValidIP(address)))
  if (searches.length > MAX_SEARCHES) {
    errors.push(invalid(`${at}.searches`, searches, `must not have more than ${MAX_SEARCHES} search paths`))
  }
  if (searches.join(' ').length > MAX_SEARCH_CHARACTERS) {
    const why = `must not have more than ${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`
    errors.push(invalid(`${at}.searches`, searches, why))
  }
  searches.forEach((search, i) => {
    // A single dot stands for the root, and any search path may end in one.
    if (search === '.') return
    check(errors, `${at}.searches[${i}]`, search, isDNS1123Subdomain(search.replace(/\.$/, '')))
  })
  options.forEach(({ name }, i) => {
    if (!name) errors.push(required(`${at}.options[${i}]`, 'must not be empty'))
  })
}
