/** The audit policy: which requests are recorded, how much of them, and at which stages. Pure, upstream's semantics. */
import { parse } from 'yaml'
import { isDNS1123Subdomain } from '../../api/names.ts'
import type { RequestAttributes } from '../auth/user.ts'

export type Level = 'None' | 'Metadata' | 'Request' | 'RequestResponse'
export type Stage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic'

interface GroupResources {
  group?: string
  resources?: string[]
  resourceNames?: string[]
}

export interface AuditRule {
  level: Level
  users?: string[]
  userGroups?: string[]
  verbs?: string[]
  resources?: GroupResources[]
  namespaces?: string[]
  nonResourceURLs?: string[]
  omitStages?: Stage[]
  omitManagedFields?: boolean
}

export interface AuditPolicy {
  rules: AuditRule[]
  omitStages: Stage[]
  omitManagedFields: boolean
}

/** What a request is recorded with. */
export interface AuditDecision {
  level: Level
  omitStages: readonly Stage[]
  omitManagedFields: boolean
}

const LEVELS: readonly string[] = ['None', 'Metadata', 'Request', 'RequestResponse']
const STAGES: readonly string[] = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic']

/** Throws an Error that says what is wrong: a policy that is half understood would leave things out unnoticed. */
export function parseAuditPolicy(text: string): AuditPolicy {
  const document = (parse(text) ?? {}) as Partial<AuditPolicy> & { kind?: unknown; apiVersion?: unknown }
  const fail = (why: string): never => {
    throw new Error(`Cannot use the audit policy: ${why}`)
  }
  if (document.kind !== 'Policy' || document.apiVersion !== 'audit.k8s.io/v1') fail('it is no Policy of audit.k8s.io/v1')
  const rules = document.rules ?? []
  if (rules.length === 0) fail('it has no rules, so that nothing would be recorded')
  const { omitStages = [], omitManagedFields = false } = document
  const problem =
    stagesProblem(omitStages) ?? rules.map((rule, index) => ruleProblem(rule, `rules[${index}]`)).find((one) => one !== undefined)
  if (problem !== undefined) fail(problem)
  return { rules, omitStages, omitManagedFields }
}

const show = (value: unknown): string => JSON.stringify(value)

function stagesProblem(stages: readonly Stage[]): string | undefined {
  const strange = stages.find((stage) => !STAGES.includes(stage))
  return strange && `omitStages: ${show(strange)} is no stage`
}

function ruleProblem(
  { level, resources, namespaces, nonResourceURLs, omitStages = [] }: AuditRule,
  at: string,
): string | undefined {
  if (!LEVELS.includes(level)) return `${at}.level: ${show(level)} is none of ${LEVELS.join(', ')}`
  const stages = stagesProblem(omitStages)
  if (stages) return `${at}.${stages}`
  if (nonResourceURLs?.length && (resources?.length || namespaces?.length))
    return `${at}: rules cannot apply to both regular resources and non-resource URLs`
  for (const url of nonResourceURLs ?? []) {
    if (url !== '*' && !url.startsWith('/')) return `${at}.nonResourceURLs: ${show(url)} does not begin with "/"`
    if (url.slice(0, -1).includes('*')) return `${at}.nonResourceURLs: ${show(url)} has a "*" that is not at its end`
  }
  for (const [index, { group = '', resources: names, resourceNames }] of (resources ?? []).entries()) {
    if (group !== '' && isDNS1123Subdomain(group).length > 0)
      return `${at}.resources[${index}].group: ${show(group)} is no name of a group`
    if (resourceNames?.length && !names?.length)
      return `${at}.resources[${index}]: using resourceNames requires at least one resource`
  }
  return undefined
}

/** The first rule that fits decides; a request that none fits is not recorded. */
export function decideAudit(policy: AuditPolicy, request: RequestAttributes): AuditDecision {
  const rule = policy.rules.find((one) => ruleMatches(one, request))
  if (!rule) return { level: 'None', omitStages: policy.omitStages, omitManagedFields: policy.omitManagedFields }
  return {
    level: holdsSecrets(request) ? lowest(rule.level, 'Metadata') : rule.level,
    omitStages: [...policy.omitStages, ...(rule.omitStages ?? [])],
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
  }
}

/** Their bodies are never written, whatever the policy says: a log is read by more people than a secret is. */
const holdsSecrets = ({ apiGroup, resource, subresource }: RequestAttributes): boolean =>
  (apiGroup === '' && (resource === 'secrets' || (resource === 'serviceaccounts' && subresource === 'token'))) ||
  (apiGroup === 'authentication.k8s.io' && resource === 'tokenreviews')

const lowest = (one: Level, other: Level): Level => (LEVELS.indexOf(one) < LEVELS.indexOf(other) ? one : other)

function ruleMatches(rule: AuditRule, request: RequestAttributes): boolean {
  const { user, verb } = request
  if (rule.users?.length && !rule.users.includes(user.username)) return false
  if (rule.userGroups?.length && !rule.userGroups.some((group) => user.groups.includes(group))) return false
  if (rule.verbs?.length && !rule.verbs.includes(verb)) return false
  if (rule.namespaces?.length || rule.resources?.length) return matchesResource(rule, request)
  if (rule.nonResourceURLs?.length)
    return !request.isResourceRequest && rule.nonResourceURLs.some((url) => urlMatches(url, request.path))
  return true
}

function matchesResource({ namespaces, resources }: AuditRule, request: RequestAttributes): boolean {
  if (!request.isResourceRequest) return false
  if (namespaces?.length && !namespaces.includes(request.namespace)) return false
  if (!resources?.length) return true
  return resources.some(({ group = '', resources: names = [], resourceNames = [] }) => {
    if (group !== request.apiGroup) return false
    if (names.length === 0) return true
    const isNamed = resourceNames.length === 0 || resourceNames.includes(request.name)
    return isNamed && names.some((name) => resourceMatches(name, request))
  })
}

function resourceMatches(pattern: string, { resource, subresource }: RequestAttributes): boolean {
  if (pattern === '*' || pattern === (subresource ? `${resource}/${subresource}` : resource)) return true
  if (subresource && pattern === `*/${subresource}`) return true
  return pattern.endsWith('/*') && pattern.slice(0, -2) === resource
}

const urlMatches = (pattern: string, path: string): boolean =>
  pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)))
