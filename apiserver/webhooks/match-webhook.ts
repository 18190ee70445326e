/** Does a webhook want to hear of this write, and as which resource? Pure. */
import type { MutatingWebhook, RuleWithOperations, ValidatingWebhook } from '../../api/generated/types.ts'
import { type Selector, toSelector } from '../../api/labels.ts'
import type { KubeObject } from '../../api/object.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import { compileConditions, type CompiledCondition } from './match-conditions.ts'

/** A webhook of a configuration, with its selectors parsed. */
export interface CompiledWebhook<W extends MutatingWebhook | ValidatingWebhook = MutatingWebhook | ValidatingWebhook> {
  /** Unique among all webhooks, and the same as long as the configuration names it. */
  id: string
  /** Its place among all webhooks of its sort. */
  index: number
  configuration: string
  webhook: W
  namespaceSelector: Selector
  objectSelector: Selector
  conditions: readonly CompiledCondition[]
}

/** Group, version and plural name. */
export interface ResourceVersion {
  group: string
  version: string
  resource: string
}

export function compileWebhook<W extends MutatingWebhook | ValidatingWebhook>(
  configuration: string,
  webhook: W,
  id: string,
  index: number,
): CompiledWebhook<W> {
  return {
    id,
    index,
    configuration,
    webhook,
    namespaceSelector: toSelector(webhook.namespaceSelector ?? {}),
    objectSelector: toSelector(webhook.objectSelector ?? {}),
    conditions: compileConditions(webhook.matchConditions),
  }
}

/** What wants to hear of some writes: a webhook, or a policy. */
export interface Listener {
  webhook: Pick<ValidatingWebhook, 'rules' | 'matchPolicy'>
}

/** What does not depend on the object: operation, resource and subresource. Cheap, and the same for every write of a kind. */
export const mayMatch = ({ webhook }: Listener, operation: string, resource: string, subresource: string): boolean =>
  (webhook.rules ?? []).some((rule) => matchesOperation(rule, operation) && matchesResource(rule, resource, subresource))

/**
 * The resource as which the webhook is told of the write: as the request names it when a rule does, else, with matchPolicy
 * Equivalent, in the version of the first rule that names an equivalent. Undefined when no rule wants it.
 */
export function matchRules(
  { webhook }: Listener,
  asked: ResourceVersion,
  { operation, subresource, namespace }: Pick<AdmissionAttributes, 'operation' | 'subresource' | 'namespace'>,
  equivalents: () => readonly ResourceVersion[],
): ResourceVersion | undefined {
  const rules = webhook.rules ?? []
  const wants = (rule: RuleWithOperations, as: ResourceVersion) =>
    matchesOperation(rule, operation) &&
    matchesResource(rule, as.resource, subresource) &&
    includes(rule.apiGroups, as.group) &&
    includes(rule.apiVersions, as.version) &&
    matchesScope(rule.scope, as, namespace)
  if (rules.some((rule) => wants(rule, asked))) return asked
  if (webhook.matchPolicy !== 'Equivalent') return undefined
  for (const rule of rules) {
    const found = equivalents().find((one) => wants(rule, one))
    if (found) return found
  }
  return undefined
}

const includes = (list: readonly string[] | undefined, value: string) =>
  list !== undefined && (list.includes('*') || list.includes(value))

const matchesOperation = ({ operations }: RuleWithOperations, operation: string) => includes(operations, operation)

function matchesResource({ resources = [] }: RuleWithOperations, resource: string, subresource: string): boolean {
  return resources.some((one) => {
    const slash = one.indexOf('/')
    const [name, part] = slash < 0 ? [one, ''] : [one.slice(0, slash), one.slice(slash + 1)]
    return (name === '*' || name === resource) && (part === '*' || part === subresource)
  })
}

/** A namespace is not in a namespace, whatever its attributes say. */
function matchesScope(scope: string | undefined, { group, resource }: ResourceVersion, namespace: string): boolean {
  if (scope === undefined || scope === '*') return true
  const isCluster = (group === '' && resource === 'namespaces') || namespace === ''
  return scope === 'Cluster' ? isCluster : scope === 'Namespaced' && !isCluster
}

export const selectsAll = ({ requirements }: Selector): boolean => requirements.length === 0

/** Either version of the object will do, as an update may take it out of the selection. */
export const matchesObject = (selector: Selector, object: KubeObject | undefined, oldObject: KubeObject | undefined): boolean =>
  selectsAll(selector) || [object, oldObject].some((one) => one?.metadata && selector.matches(one.metadata.labels))
