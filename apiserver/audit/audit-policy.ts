/** The audit policy: which requests are recorded, how much of them, and at which stages. Pure, upstream's semantics. */
import { parse } from 'yaml'
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
  for (const [index, { level, resources, namespaces, nonResourceURLs, omitStages = [] }] of rules.entries()) {
    const at = `rules[${index}]`
    if (!LEVELS.includes(level)) fail(`${at}.level: ${JSON.stringify(level)} is none of ${LEVELS.join(', ')}`)
    for (const stage of omitStages) if (!STAGES.includes(stage)) fail(`${at}.omitStages: ${JSON.stringify(stage)} is no stage`)
    const both = nonResourceURLs?.length && (resources?.length || namespaces?.length)
    if (both) fail(`${at}: rules cannot apply to both regular resources and non-resource URLs`)
  }
  return { rules, omitStages: document.omitStages ?? [], omitManagedFields: document.omitManagedFields ?? false }
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
