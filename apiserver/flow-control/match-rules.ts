/** Whether a flow schema's rules are about a request: subjects, then rules, compiled once for the many times they are asked. */
import type {
  FlowcontrolSubject,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from '../../api/generated/types.ts'
import type { UserInfo } from '../auth/user.ts'
import type { RequestInfo } from '../requests/request-info.ts'

export type MatchUser = (user: UserInfo) => boolean

/** Says nothing of who asks. */
export type MatchRequest = (info: RequestInfo) => boolean

export interface CompiledRule {
  matchesUser: MatchUser
  matchesRequest: MatchRequest
}

export function compileRule({ subjects, resourceRules, nonResourceRules }: PolicyRulesWithSubjects): CompiledRule {
  const resources = (resourceRules ?? []).map(compileResourceRule)
  const urls = (nonResourceRules ?? []).map(compileNonResourceRule)
  return {
    matchesUser: anyOf(subjects.map(compileSubject)),
    matchesRequest: (info) => (info.isResource ? resources : urls).some((matches) => matches(info)),
  }
}

const anyOf =
  <T>(predicates: readonly ((value: T) => boolean)[]) =>
  (value: T): boolean =>
    predicates.some((matches) => matches(value))

function compileSubject({ kind, user, group, serviceAccount }: FlowcontrolSubject): MatchUser {
  if (kind === 'User' && user) return user.name === '*' ? always : ({ username }) => username === user.name
  if (kind === 'Group' && group) return group.name === '*' ? always : ({ groups }) => groups.includes(group.name)
  if (kind !== 'ServiceAccount' || !serviceAccount) return never
  const ofNamespace = `system:serviceaccount:${serviceAccount.namespace}:`
  if (serviceAccount.name === '*') return ({ username }) => username.startsWith(ofNamespace)
  return ({ username }) => username === ofNamespace + serviceAccount.name
}

const always = () => true
const never = () => false

function compileResourceRule({ verbs, apiGroups, resources, namespaces = [], clusterScope }: ResourcePolicyRule): MatchRequest {
  const [verb, group, resource, namespace] = [oneOf(verbs), oneOf(apiGroups), oneOf(resources), oneOf(namespaces)]
  return (info) =>
    verb(info.verb) &&
    group(info.group) &&
    resource(info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`) &&
    (info.namespace === '' ? clusterScope === true : namespace(info.namespace))
}

function compileNonResourceRule({ verbs, nonResourceURLs }: NonResourcePolicyRule): MatchRequest {
  const verb = oneOf(verbs)
  const url = anyOf(nonResourceURLs.map(compileUrl))
  return (info) => verb(info.verb) && url(info.path)
}

/** A star is for all values, and alone in its list: it is no pattern. */
function oneOf(values: readonly string[]): (value: string) => boolean {
  if (values.length === 1) return values[0] === '*' ? always : (value) => value === values[0]
  const set = new Set(values)
  return (value) => set.has(value)
}

/** `/healthz` is also what is below it, with a star at its end or without. */
function compileUrl(url: string): (path: string) => boolean {
  if (url === '*') return always
  const stem = url.endsWith('*') ? url.slice(0, -1) : url
  const below = stem.endsWith('/') ? stem : `${stem}/`
  return (path) => path === url || path.startsWith(below)
}
