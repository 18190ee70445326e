/** ReplicaSet. */
import type { ReplicaSet } from '../../api/generated/types.ts'
import { AGE, NAME, templateColumns } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { checkImmutable, checkNotNegative, type Errors } from './rules/field-rules.ts'
import { requireAlwaysRestart, setPodTemplateDefaults, validateSelectorAndTemplate } from './pod-spec/template.ts'
import { validateReplicaCounts } from './rules/replica-status.ts'
import { templateWarnings } from './warnings/pod-warnings.ts'
import { REPLICA_SCALE, replicaColumns } from './replicas.ts'
import type { ResourceBehaviour } from './resource.ts'

export const replicaSet: ResourceBehaviour<ReplicaSet> = {
  setDefaults: ({ spec }) => {
    spec.replicas ??= 1
    setPodTemplateDefaults((spec.template ??= {} as NonNullable<typeof spec.template>))
  },
  newStatus: () => ({ replicas: 0 }),
  validate: ({ spec }) => {
    const errors: Errors = []
    checkNotNegative(errors, 'spec.replicas', spec.replicas)
    checkNotNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
    // The word is upstream's.
    validateSelectorAndTemplate(errors, 'spec', { ...spec, template: spec.template! }, 'deployment')
    requireAlwaysRestart(errors, 'spec.template', spec.template!, 'ReplicaSet')
    return errors
  },
  validateUpdate: (replicaSet, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'spec.selector', replicaSet.spec.selector, old.spec.selector)
    return errors
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    validateReplicaCounts(errors, status as object, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'])
    return errors
  },
  generationChanges: specChanges,
  warnings: (replicaSet, old) => templateWarnings(replicaSet, 'spec.template', replicaSet.spec.template, old?.spec.template),
  columns: [
    NAME,
    ...replicaColumns<ReplicaSet>(),
    AGE,
    ...templateColumns<ReplicaSet>(
      ({ spec }) => spec.template?.spec?.containers ?? [],
      ({ spec }) => spec.selector,
    ),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  hasStatus: true,
  scale: REPLICA_SCALE,
}
