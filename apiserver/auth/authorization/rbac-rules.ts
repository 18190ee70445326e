/** What a policy rule allows, and whether one set of rules is within another: upstream's semantics, pure. */
import type { PolicyRule } from '../../../api/generated/types.ts'
import type { RequestAttributes } from '../user.ts'

export function ruleAllows(rule: PolicyRule, request: RequestAttributes): boolean {
  if (!matches(rule.verbs, request.verb)) return false
  if (!request.isResourceRequest) return rule.nonResourceURLs?.some((url) => urlMatches(url, request.path)) ?? false
  return (
    matches(rule.apiGroups, request.apiGroup) &&
    resourceMatches(rule.resources, request.resource, request.subresource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(request.name))
  )
}

const matches = (allowed: readonly string[] | undefined, asked: string): boolean =>
  allowed !== undefined && (allowed.includes(asked) || allowed.includes('*'))

function resourceMatches(allowed: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (allowed === undefined) return false
  if (subresource === '') return allowed.includes(resource) || allowed.includes('*')
  for (const one of allowed) {
    if (one === '*') return true
    // `pods/log` and `*/scale`, compared without making a string.
    if (one.length === resource.length + 1 + subresource.length && one.startsWith(resource) && endsWithSub(one, subresource))
      return true
    if (one.length === 2 + subresource.length && one.startsWith('*') && endsWithSub(one, subresource)) return true
  }
  return false
}

const endsWithSub = (resource: string, subresource: string): boolean =>
  resource.endsWith(subresource) && resource.charCodeAt(resource.length - subresource.length - 1) === 47

function urlMatches(allowed: string, path: string): boolean {
  if (allowed === '*' || allowed === path) return true
  return allowed.endsWith('*') && path.startsWith(allowed.replace(/\*+$/, ''))
}

/** Which of the asked-for rights no single owned rule covers, broken down to one verb and resource each. Empty: all covered. */
export function uncoveredRules(owned: readonly PolicyRule[], asked: readonly PolicyRule[]): PolicyRule[] {
  return asked.flatMap(breakDown).filter((rule) => !owned.some((owner) => ruleCovers(owner, rule)))
}

function breakDown(rule: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = []
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] }
        if (!rule.resourceNames?.length) parts.push(part)
        else for (const name of rule.resourceNames) parts.push({ ...part, resourceNames: [name] })
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs) parts.push({ nonResourceURLs: [url], verbs: [verb] })
  }
  return parts
}

const includesAll = (set: readonly string[] = [], wanted: readonly string[] = [], any?: string): boolean =>
  (any !== undefined && set.includes(any)) || wanted.every((one) => set.includes(one))

/** `part` holds at most one value in each list. */
function ruleCovers(owner: PolicyRule, part: PolicyRule): boolean {
  const named = owner.resourceNames?.length
    ? part.resourceNames?.length && includesAll(owner.resourceNames, part.resourceNames)
    : true
  return Boolean(
    includesAll(owner.verbs, part.verbs, '*') &&
    includesAll(owner.apiGroups, part.apiGroups, '*') &&
    (part.resources ?? []).every((resource) => resourceCovered(owner.resources ?? [], resource)) &&
    (part.nonResourceURLs ?? []).every((url) => owner.nonResourceURLs?.some((owned) => urlMatches(owned, url))) &&
    named,
  )
}

function resourceCovered(owned: readonly string[], resource: string): boolean {
  if (owned.includes('*') || owned.includes(resource)) return true
  const slash = resource.indexOf('/')
  return slash >= 0 && owned.includes(`*${resource.slice(slash)}`)
}

/** Joins rules that differ in nothing but their verbs. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const byTarget = new Map<string, PolicyRule>()
  for (const rule of rules) {
    const target = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames, rule.nonResourceURLs])
    const known = byTarget.get(target)
    if (!known) byTarget.set(target, { ...rule, verbs: [...rule.verbs] })
    else known.verbs.push(...rule.verbs.filter((verb) => !known.verbs.includes(verb)))
  }
  return [...byTarget.values()]
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`: how escalation errors name a rule. */
export function describeRule(rule: PolicyRule): string {
  const part = (name: string, values: readonly string[] | undefined) =>
    values && values.length > 0 ? [`${name}:${quoteAll(values)}`] : []
  return `{${[
    ...part('APIGroups', rule.apiGroups),
    ...part('Resources', rule.resources),
    ...part('NonResourceURLs', rule.nonResourceURLs),
    ...part('ResourceNames', rule.resourceNames),
    ...part('Verbs', rule.verbs),
  ].join(', ')}}`
}

/** Go's `%q` of a list of strings. */
export const quoteAll = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
