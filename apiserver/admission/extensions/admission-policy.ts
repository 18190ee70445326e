/** MutatingAdmissionPolicy and ValidatingAdmissionPolicy: rules of the cluster's own, written in CEL. */
import type { AdmissionPlugin } from '../plugin.ts'

export const mutatingAdmissionPolicy: AdmissionPlugin = {
  name: 'MutatingAdmissionPolicy',
  handles: () => true,
  admit: (attributes, context) => context.policies?.mutate(attributes, context),
}

export const validatingAdmissionPolicy: AdmissionPlugin = {
  name: 'ValidatingAdmissionPolicy',
  handles: () => true,
  validate: (attributes, context) => context.policies?.validate(attributes, context),
}
