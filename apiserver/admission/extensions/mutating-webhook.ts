/** MutatingAdmissionWebhook: lets the cluster's own webhooks change what is written, after every plugin has. */
import type { AdmissionPlugin } from '../plugin.ts'

export const mutatingWebhook: AdmissionPlugin = {
  name: 'MutatingAdmissionWebhook',
  handles: () => true,
  admit: (attributes, context) => context.webhooks?.mutate(attributes, context),
}
