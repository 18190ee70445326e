/** Which webhooks there are, in their order: from the store's watch, so that a write asks nothing and nobody. */
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../api/generated/types.ts'
import type { Logger } from '../../component/logger.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import type { Store, Subscription } from '../storage/store.ts'
import { compileWebhook, mayMatch, type CompiledWebhook } from './match-webhook.ts'

export interface WebhookIndex<W extends MutatingWebhook | ValidatingWebhook> {
  /** Those whose rules name the operation and the resource, whatever its group and version. The list is shared. */
  candidates(operation: string, resource: string, subresource: string): readonly CompiledWebhook<W>[]
  /** From here on changes are followed; the store must have started. */
  start(): void
  close(): void
}

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

export function createWebhookIndex<W extends MutatingWebhook | ValidatingWebhook>(
  store: Store,
  kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration',
  logger: Logger,
): WebhookIndex<W> {
  const prefix = prefixOfKind(kind)
  let webhooks: readonly CompiledWebhook<W>[] | undefined
  const byResource = new Map<string, readonly CompiledWebhook<W>[]>()
  let subscription: Subscription | undefined
  let closed = false

  const forget = () => {
    webhooks = undefined
    byResource.clear()
  }
  const follow = () => {
    forget()
    subscription = store.watch(prefix, store.revision(), {
      onEvent: forget,
      onEnd: (reason) => {
        if (closed || reason.code === 503) return
        logger.warn('reading webhook configurations again', { kind, reason: reason.message })
        follow()
      },
    })
  }
  return {
    candidates(operation, resource, subresource) {
      webhooks ??= compile<W>(store.list(prefix).map((entry) => entry.object() as unknown as Configuration))
      if (webhooks.length === 0) return webhooks
      const key = `${operation} ${resource} ${subresource}`
      let found = byResource.get(key)
      if (!found) {
        found = webhooks.filter((webhook) => mayMatch(webhook, operation, resource, subresource))
        byResource.set(key, found)
      }
      return found
    },
    start: follow,
    close() {
      closed = true
      subscription?.close()
    },
  }
}

/** By name of the configuration, then as the configuration lists them. */
function compile<W extends MutatingWebhook | ValidatingWebhook>(configurations: readonly Configuration[]): CompiledWebhook<W>[] {
  const sorted = configurations.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const all = sorted.flatMap(({ metadata, webhooks = [] }) =>
    (webhooks as W[]).map((webhook, ordinal) => ({ webhook, configuration: metadata.name, ordinal })),
  )
  return all.map(({ webhook, configuration, ordinal }, index) =>
    compileWebhook(configuration, webhook, `${configuration}/${webhook.name}/${ordinal}`, index),
  )
}
