/** ValidatingAdmissionWebhook: lets the cluster's own webhooks refuse what is written, after every rule of ours. */
import type { AdmissionPlugin } from '../plugin.ts'

export const validatingWebhook: AdmissionPlugin = {
  name: 'ValidatingAdmissionWebhook',
  handles: () => true,
  validate: (attributes, context) => context.webhooks?.validate(attributes, context),
}
