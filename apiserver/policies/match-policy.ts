/** Is a write what a policy, or a binding of it, is about? */
import type { MatchResources, NamedRuleWithOperations } from '../../api/generated/types.ts'
import { toSelector, type Selector } from '../../api/labels.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'
import { matchesObject, matchRules, mayMatch, selectsAll, type ResourceVersion } from '../webhooks/match-webhook.ts'
import { namespaceLabels } from '../webhooks/namespace-labels.ts'

export interface CompiledMatch {
  match: MatchResources
  namespaceSelector: Selector
  objectSelector: Selector
}

export const compileMatch = (match: MatchResources): CompiledMatch => ({
  match,
  namespaceSelector: toSelector(match.namespaceSelector ?? {}),
  objectSelector: toSelector(match.objectSelector ?? {}),
})

/** What does not depend on the object. */
export const mayBeAbout = (
  { match: { resourceRules: rules } }: CompiledMatch,
  operation: string,
  resource: string,
  subresource: string,
): boolean => mayMatch({ webhook: { rules } }, operation, resource, subresource)

/** The resource as which it is seen; undefined when it is not matched. Without rules, all is matched. */
export async function matchPolicy(
  { match, namespaceSelector, objectSelector }: CompiledMatch,
  asked: ResourceVersion,
  attributes: AdmissionAttributes,
  equivalents: () => readonly ResourceVersion[],
  context: AdmissionContext,
): Promise<ResourceVersion | undefined> {
  if (!matchesObject(objectSelector, attributes.object, attributes.oldObject)) return undefined
  const { matchPolicy: policy = 'Equivalent', resourceRules, excludeResourceRules } = match
  const seenAs = (all: readonly NamedRuleWithOperations[] | undefined) => {
    const rules = (all ?? []).filter(({ resourceNames: names }) => !names?.length || names.includes(attributes.name))
    return matchRules({ webhook: { rules, matchPolicy: policy } }, asked, attributes, equivalents)
  }
  if (seenAs(excludeResourceRules)) return undefined
  const as = resourceRules?.length ? seenAs(resourceRules) : asked
  if (!as || selectsAll(namespaceSelector)) return as
  if (attributes.namespace === '' && attributes.resource !== 'namespaces') return as
  return namespaceSelector.matches(await namespaceLabels(attributes, context)) ? as : undefined
}
