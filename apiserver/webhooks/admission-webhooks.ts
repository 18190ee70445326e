/** Puts admission by webhooks together: who there is to ask, kept current by the store, and the client that asks them. */
import type { MutatingWebhook, ValidatingWebhook } from '../../api/generated/types.ts'
import type { Logger } from '../../component/logger.ts'
import type { AdmissionMetrics } from '../admission/admission-metrics.ts'
import type { ServedResources } from '../served-resources.ts'
import type { Store } from '../storage/store.ts'
import type { WebhookClient } from './webhook-client.ts'
import { createWebhookIndex } from './webhook-index.ts'
import { createWebhooks, type Webhooks } from './webhooks.ts'

export interface AdmissionWebhooks extends Webhooks {
  /** Once the store has started. */
  start(): void
  close(): void
}

export function createAdmissionWebhooks(
  store: Store,
  resources: ServedResources,
  client: WebhookClient,
  metrics: AdmissionMetrics,
  logger: Logger,
): AdmissionWebhooks {
  const mutating = createWebhookIndex<MutatingWebhook>(store, 'MutatingWebhookConfiguration', logger)
  const validating = createWebhookIndex<ValidatingWebhook>(store, 'ValidatingWebhookConfiguration', logger)
  return {
    ...createWebhooks({ mutating, validating, client, resources, metrics, logger }),
    start() {
      mutating.start()
      validating.start()
    },
    close() {
      mutating.close()
      validating.close()
    },
  }
}
