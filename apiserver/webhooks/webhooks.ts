/** Admission by other servers: asks every webhook that wants to hear of a write, the mutating ones in turn, the others at once. */
import { randomUUID } from 'node:crypto'
import type { MutatingWebhook, ValidatingWebhook } from '../../api/generated/types.ts'
import { deepEqual, type Json } from '../../api/json.ts'
import { applyJsonPatch } from '../../api/patch/json-patch.ts'
import { badRequest, forbidden, internalError, isApiError } from '../../api/status.ts'
import type { Logger } from '../../component/logger.ts'
import type { AdmissionMetrics, WebhookCall } from '../admission/admission-metrics.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'
import type { ServedResources } from '../served-resources.ts'
import { denial, readVerdict, toReview, type Verdict } from './admission-review.ts'
import { describeRequest, equivalentsOf, tell, untell, type Requested } from './told.ts'
import { matchesObject, matchRules, selectsAll, type CompiledWebhook, type ResourceVersion } from './match-webhook.ts'
import { judgeConditions } from './match-conditions.ts'
import { namespaceLabels } from './namespace-labels.ts'
import { callAgain, replaceContents, stateOf } from './reinvocation.ts'
import type { WebhookClient } from './webhook-client.ts'
import type { WebhookIndex } from './webhook-index.ts'

export interface Webhooks {
  /** Answers undefined at once when nobody wants to hear of this write. */
  mutate(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> | undefined
  validate(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> | undefined
}

export interface WebhooksOptions {
  mutating: WebhookIndex<MutatingWebhook>
  validating: WebhookIndex<ValidatingWebhook>
  client: WebhookClient
  resources: ServedResources
  metrics: Pick<AdmissionMetrics, 'webhook'>
  logger: Logger
}

type Webhook = MutatingWebhook | ValidatingWebhook
type Sort = 'mutating' | 'validating'

const q = JSON.stringify

/** A webhook that could not be asked, or answered nonsense: what `failurePolicy` is about. */
class CallError extends Error {}

export function createWebhooks({ mutating, validating, client, resources, metrics, logger }: WebhooksOptions): Webhooks {
  /** Asks one webhook. Throws `CallError`, or the refusal. Notes warnings and audit annotations. */
  const ask = async (hook: CompiledWebhook, sort: Sort, request: Requested, as: ResourceVersion): Promise<Verdict> => {
    const { webhook } = hook
    const { attributes } = request
    if (attributes.dryRun && !supportsDryRun(webhook))
      throw badRequest(`admission webhook ${q(webhook.name)} does not support dry run`)
    let verdict: Verdict
    try {
      const told = await tell(resources, request, as)
      const review = toReview(randomUUID(), webhook.admissionReviewVersions, attributes, told)
      const answer = await client.post(webhook.clientConfig, review, webhook.timeoutSeconds ?? 10)
      verdict = readVerdict(answer, review, sort === 'mutating')
    } catch (error) {
      throw new CallError(`failed calling webhook ${q(webhook.name)}: ${messageOf(error)}`, { cause: error })
    }
    for (const [key, value] of Object.entries(verdict.auditAnnotations)) annotate(attributes, `${webhook.name}/${key}`, value)
    attributes.warnings.push(...verdict.warnings)
    if (!verdict.allowed) throw denial(webhook.name, verdict.result)
    return verdict
  }

  /** Undefined when the call failed and the webhook does not insist. */
  const askOrIgnore = async (hook: CompiledWebhook, sort: Sort, request: Requested, as: ResourceVersion, round: number) => {
    const { webhook } = hook
    const started = performance.now()
    const note = (outcome: Pick<WebhookCall, 'rejection' | 'failedOpen'>) =>
      metrics.webhook({
        name: webhook.name,
        step: sort === 'mutating' ? 'admit' : 'validate',
        operation: request.attributes.operation,
        milliseconds: performance.now() - started,
        ...outcome,
      })
    try {
      const verdict = await ask(hook, sort, request, as)
      note({})
      return verdict
    } catch (error) {
      if (!(error instanceof CallError)) {
        note({ rejection: { code: isApiError(error) ? error.code : 500, by: 'no_error' } })
        throw error
      }
      if (webhook.failurePolicy !== 'Ignore') {
        note({ rejection: { code: 500, by: 'calling_webhook_error' } })
        throw internalError(error)
      }
      note({ failedOpen: true })
      logger.warn('failed calling webhook, failing open', { webhook: webhook.name, error: error.message })
      const key = `failed-open.${sort}.webhook.admission.k8s.io/round_${round}_index_${hook.index}`
      annotate(request.attributes, key, webhook.name)
      return undefined
    }
  }

  const mutateInTurn = async (
    hooks: readonly CompiledWebhook<MutatingWebhook>[],
    attributes: AdmissionAttributes,
    context: AdmissionContext,
  ) => {
    const request = describeRequest(resources, attributes)
    const state = stateOf(attributes)
    // What plugins have changed since is news to the webhooks that asked for it.
    if (state.round === 1 && state.output !== JSON.stringify(attributes.object)) callAgain(state)
    for (const hook of hooks) {
      const as = await resourceToTell(hook, request, context)
      if (!as || (state.round === 1 && !state.again.has(hook.id))) continue
      const verdict = await askOrIgnore(hook, 'mutating', request, as, state.round)
      const changed = verdict?.patch !== undefined && (await applyPatch(hook, request, as, verdict.patch))
      noteMutation(attributes, hook, state.round, changed)
      if (changed) {
        callAgain(state)
        state.wanted = true
      }
      if (hook.webhook.reinvocationPolicy === 'IfNeeded') state.called.add(hook.id)
    }
    state.output = JSON.stringify(attributes.object) ?? ''
  }

  /** Whether the object is another one now. */
  const applyPatch = async (
    { webhook }: CompiledWebhook,
    request: Requested,
    as: ResourceVersion,
    patch: unknown,
  ): Promise<boolean> => {
    const { attributes } = request
    if (!attributes.object)
      throw internalError(
        new Error(
          `admission webhook ${q(webhook.name)} attempted to modify the object, which is not supported for this operation`,
        ),
      )
    const before = (await tell(resources, request, as)).object
    let patched: Json
    try {
      patched = applyJsonPatch(before, patch)
    } catch (error) {
      throw internalError(error instanceof Error && error.cause instanceof Error ? error.cause : error)
    }
    if (deepEqual(before, patched)) return false
    const { namespace } = attributes.object.metadata ?? {}
    const after = await untell(resources, request, as, patched)
    if (after.metadata?.namespace !== namespace)
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    replaceContents(attributes.object, after)
    return true
  }

  const validateAtOnce = async (
    hooks: readonly CompiledWebhook<ValidatingWebhook>[],
    attributes: AdmissionAttributes,
    context: AdmissionContext,
  ) => {
    const request = describeRequest(resources, attributes)
    const calls: Promise<unknown>[] = []
    const errors: unknown[] = []
    const wanted: [CompiledWebhook, ResourceVersion][] = []
    for (const hook of hooks) {
      const as = await resourceToTell(hook, request, context)
      if (as) wanted.push([hook, as])
    }
    for (const [hook, as] of wanted)
      calls.push(askOrIgnore(hook, 'validating', request, as, 0).catch((error: unknown) => errors.push(error)))
    await Promise.all(calls)
    if (errors.length > 0) throw errors[0]
  }

  /** The version in which it wants to hear of it; undefined when it does not. */
  const resourceToTell = async (hook: CompiledWebhook, request: Requested, context: AdmissionContext) => {
    const as = await selectedAs(hook, request, context)
    if (!as || hook.conditions.length === 0) return as
    const { attributes } = request
    const judgement = judgeConditions(hook.conditions, attributes, await tell(resources, request, as), context.authorizer)
    if ('matches' in judgement) return judgement.matches ? as : undefined
    if (hook.webhook.failurePolicy === 'Ignore') return undefined
    throw forbidden(attributes.group, attributes.resource, attributes.name, judgement.error)
  }

  const selectedAs = async (
    hook: CompiledWebhook,
    { attributes, resource }: Requested,
    context: AdmissionContext,
  ): Promise<ResourceVersion | undefined> => {
    const { namespaceSelector, objectSelector } = hook
    if (!matchesObject(objectSelector, attributes.object, attributes.oldObject)) return undefined
    const as = matchRules(hook, resource, attributes, () => equivalentsOf(resources, resource))
    if (!as || selectsAll(namespaceSelector)) return as
    if (attributes.namespace === '' && attributes.resource !== 'namespaces') return as
    return namespaceSelector.matches(await namespaceLabels(attributes, context)) ? as : undefined
  }

  return {
    mutate(attributes, context) {
      const hooks = mutating.candidates(attributes.operation, attributes.resource, attributes.subresource)
      return hooks.length > 0 && isTold(attributes) ? mutateInTurn(hooks, attributes, context) : undefined
    },
    validate(attributes, context) {
      const hooks = validating.candidates(attributes.operation, attributes.resource, attributes.subresource)
      return hooks.length > 0 && isTold(attributes) ? validateAtOnce(hooks, attributes, context) : undefined
    },
  }
}

/** Webhooks have no say about webhooks: one that refuses everything could never be taken away. */
const isTold = ({ group, kind, operation, subresource }: AdmissionAttributes) =>
  !(group === 'admissionregistration.k8s.io' && kind.endsWith('WebhookConfiguration')) &&
  // They have been told of the eviction; the deletion that it ends in is a part of it.
  !(operation === 'DELETE' && subresource === 'eviction')

const supportsDryRun = ({ sideEffects }: Webhook) => sideEffects === 'None' || sideEffects === 'NoneOnDryRun'

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

function annotate({ auditAnnotations }: AdmissionAttributes, key: string, value: string): void {
  if (auditAnnotations) auditAnnotations[key] = value
}

function noteMutation(
  attributes: AdmissionAttributes,
  { configuration, webhook, index }: CompiledWebhook,
  round: number,
  mutated: boolean,
): void {
  if (!attributes.auditAnnotations) return
  const value = JSON.stringify({ configuration, webhook: webhook.name, mutated })
  annotate(attributes, `mutation.webhook.admission.k8s.io/round_${round}_index_${index}`, value)
}
