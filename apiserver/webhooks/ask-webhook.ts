/** Asks one webhook about one write; notes what came of it, and knows what a call that fails means. */
import { randomUUID } from 'node:crypto'
import { messageOf } from '../../api/error-message.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../../api/generated/types.ts'
import { badRequest, internalError, isApiError } from '../../api/status.ts'
import type { Logger } from '../../component/logger.ts'
import type { AdmissionMetrics, WebhookCall } from '../admission/admission-metrics.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import type { ServedResources } from '../served-resources.ts'
import { denial, readVerdict, toReview, type Verdict } from './admission-review.ts'
import type { CompiledWebhook, ResourceVersion } from './match-webhook.ts'
import { tell, type Requested } from './told.ts'
import type { WebhookClient } from './webhook-client.ts'

export type Sort = 'mutating' | 'validating'

export interface AskOptions {
  client: WebhookClient
  resources: ServedResources
  metrics: Pick<AdmissionMetrics, 'webhook'>
  logger: Logger
}

/**
 * Throws when the webhook refuses the write, or when the call failed and the webhook insists; undefined when it does not. Its
 * warnings and audit annotations are the request's afterwards.
 */
export type AskWebhook = (
  hook: CompiledWebhook,
  sort: Sort,
  request: Requested,
  as: ResourceVersion,
  round: number,
) => Promise<Verdict | undefined>

/** A webhook that could not be asked, or answered nonsense: what `failurePolicy` is about. */
class CallError extends Error {}

const q = JSON.stringify

export function createAskWebhook(options: AskOptions): AskWebhook {
  const { metrics, logger } = options
  return async (hook, sort, request, as, round) => {
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
      const verdict = await ask(options, hook, sort, request, as)
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
}

/** Throws `CallError`, or the refusal. */
async function ask(
  { client, resources }: AskOptions,
  { webhook }: CompiledWebhook,
  sort: Sort,
  request: Requested,
  as: ResourceVersion,
): Promise<Verdict> {
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

const supportsDryRun = ({ sideEffects }: MutatingWebhook | ValidatingWebhook) =>
  sideEffects === 'None' || sideEffects === 'NoneOnDryRun'

export function annotate({ auditAnnotations }: AdmissionAttributes, key: string, value: string): void {
  if (auditAnnotations) auditAnnotations[key] = value
}
