/** Puts admission by policies together: which there are, kept current by the store, and what they do to a write. */
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../api/generated/types.ts'
import type { Logger } from '../../component/logger.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'
import type { ServedResources } from '../served-resources.ts'
import type { Store } from '../storage/store.ts'
import { compileMutatingRules, mutateByPolicies, type MutatingRules } from './mutating-policies.ts'
import { followPolicyStatus } from './follow-status.ts'
import { createPolicyIndex } from './policy-index.ts'
import { compileValidatingRules, validateByPolicies, type ValidatingRules } from './validating-policies.ts'

export interface Policies {
  mutate(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> | undefined
  validate(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> | undefined
}

export interface AdmissionPolicies extends Policies {
  /** Once the store has started. */
  start(): void
  close(): void
}

export function createAdmissionPolicies(store: Store, resources: ServedResources, logger: Logger): AdmissionPolicies {
  const validating = createPolicyIndex<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingRules>(
    store,
    'Validating',
    compileValidatingRules,
    logger,
  )
  const mutating = createPolicyIndex<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutatingRules>(
    store,
    'Mutating',
    compileMutatingRules,
    logger,
  )
  const status = followPolicyStatus(store, resources, logger)
  const isCandidate = (index: Pick<typeof validating | typeof mutating, 'candidates'>, attributes: AdmissionAttributes) =>
    index.candidates(attributes.operation, attributes.resource, attributes.subresource).length > 0
  return {
    mutate: (attributes, context) =>
      isCandidate(mutating, attributes)
        ? mutateByPolicies({ store, resources, index: mutating }, attributes, context)
        : undefined,
    validate: (attributes, context) =>
      isCandidate(validating, attributes)
        ? validateByPolicies({ store, resources, index: validating }, attributes, context)
        : undefined,
    start() {
      validating.start()
      mutating.start()
      status.start()
    },
    close() {
      validating.close()
      mutating.close()
      status.close()
    },
  }
}
