/** Admission by other servers: asks every webhook that wants to hear of a write, the mutating ones in turn, the others at once. */
import type { MutatingWebhook, ValidatingWebhook } from '../../api/generated/types.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'
import { applyPatch } from './apply-patch.ts'
import { annotate, createAskWebhook, type AskOptions } from './ask-webhook.ts'
import type { CompiledWebhook, ResourceVersion } from './match-webhook.ts'
import { callAgain, stateOf } from './reinvocation.ts'
import { describeRequest } from './told.ts'
import { versionToTell } from './version-to-tell.ts'
import type { WebhookIndex } from './webhook-index.ts'

export interface Webhooks {
  /** Answers undefined at once when nobody wants to hear of this write. */
  mutate(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> | undefined
  validate(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> | undefined
}

export interface WebhooksOptions extends AskOptions {
  mutating: WebhookIndex<MutatingWebhook>
  validating: WebhookIndex<ValidatingWebhook>
}

export function createWebhooks({ mutating, validating, ...options }: WebhooksOptions): Webhooks {
  const { resources } = options
  const ask = createAskWebhook(options)

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
      const as = await versionToTell(resources, hook, request, context)
      if (!as || (state.round === 1 && !state.again.has(hook.id))) continue
      const verdict = await ask(hook, 'mutating', request, as, state.round)
      const changed = verdict?.patch !== undefined && (await applyPatch(resources, hook, request, as, verdict.patch))
      noteMutation(attributes, hook, state.round, changed)
      if (changed) {
        callAgain(state)
        state.wanted = true
      }
      if (hook.webhook.reinvocationPolicy === 'IfNeeded') state.called.add(hook.id)
    }
    state.output = JSON.stringify(attributes.object) ?? ''
  }

  const validateAtOnce = async (
    hooks: readonly CompiledWebhook<ValidatingWebhook>[],
    attributes: AdmissionAttributes,
    context: AdmissionContext,
  ) => {
    const request = describeRequest(resources, attributes)
    const errors: unknown[] = []
    const wanted: [CompiledWebhook, ResourceVersion][] = []
    for (const hook of hooks) {
      const as = await versionToTell(resources, hook, request, context)
      if (as) wanted.push([hook, as])
    }
    // All are heard to the end: each has noted what came of it by the time that the first error is thrown.
    await Promise.all(
      wanted.map(([hook, as]) => ask(hook, 'validating', request, as, 0).catch((error: unknown) => errors.push(error))),
    )
    if (errors.length > 0) throw errors[0]
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
