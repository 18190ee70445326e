/** In which version a webhook wants to hear of a write, by its rules, its selectors and its conditions; undefined when it does not. */
import { forbidden } from '../../api/status.ts'
import type { AdmissionContext } from '../admission/plugin.ts'
import type { ServedResources } from '../served-resources.ts'
import { judgeConditions } from './match-conditions.ts'
import { matchesObject, matchRules, selectsAll, type CompiledWebhook, type ResourceVersion } from './match-webhook.ts'
import { namespaceLabels } from './namespace-labels.ts'
import { equivalentsOf, tell, type Requested } from './told.ts'

/** Throws when its conditions cannot be judged and the webhook insists. */
export async function versionToTell(
  resources: ServedResources,
  hook: CompiledWebhook,
  request: Requested,
  context: AdmissionContext,
): Promise<ResourceVersion | undefined> {
  const as = await selectedAs(resources, hook, request, context)
  if (!as || hook.conditions.length === 0) return as
  const { attributes } = request
  const judgement = judgeConditions(hook.conditions, attributes, await tell(resources, request, as), context.authorizer)
  if ('matches' in judgement) return judgement.matches ? as : undefined
  if (hook.webhook.failurePolicy === 'Ignore') return undefined
  throw forbidden(attributes.group, attributes.resource, attributes.name, judgement.error)
}

async function selectedAs(
  resources: ServedResources,
  hook: CompiledWebhook,
  { attributes, resource }: Requested,
  context: AdmissionContext,
): Promise<ResourceVersion | undefined> {
  const { namespaceSelector, objectSelector } = hook
  if (!matchesObject(objectSelector, attributes.object, attributes.oldObject)) return undefined
  const as = matchRules(hook, resource, attributes, () => equivalentsOf(resources, resource))
  if (!as || selectsAll(namespaceSelector)) return as
  if (attributes.namespace === '' && attributes.resource !== 'namespaces') return as
  return namespaceSelector.matches(await namespaceLabels(attributes, context)) ? as : undefined
}
