/** ReplicationController. */
import { invalid, required } from '../../api/field-error.ts'
import type { ReplicationController } from '../../api/generated/types.ts'
import { AGE, formatLabels, NAME, templateColumns, text, wide } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { checkNotNegative, type Errors } from './rules/field-rules.ts'
import { isEmptyMap, selects } from './rules/label-selector.ts'
import { requireAlwaysRestart, setPodTemplateDefaults, validatePodTemplate } from './pod-spec/template.ts'
import { validateReplicaCounts } from './rules/replica-status.ts'
import { REPLICA_SCALE, replicaColumns } from './replicas.ts'
import type { ResourceBehaviour } from './resource.ts'

export const replicationController: ResourceBehaviour<ReplicationController> = {
  setDefaults: ({ metadata, spec }) => {
    const labels = spec.template?.metadata?.labels
    if (labels) {
      if (isEmptyMap(spec.selector)) spec.selector = { ...labels }
      if (isEmptyMap(metadata.labels)) metadata.labels = { ...labels }
    }
    spec.replicas ??= 1
    setPodTemplateDefaults(spec.template)
  },
  newStatus: () => ({ replicas: 0 }),
  validate: ({ spec }) => {
    const errors: Errors = []
    checkNotNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
    if (isEmptyMap(spec.selector)) errors.push(required('spec.selector'))
    checkNotNegative(errors, 'spec.replicas', spec.replicas)
    if (!spec.template) {
      errors.push(required('spec.template'))
      return errors
    }
    const labels = spec.template.metadata?.labels
    if (!isEmptyMap(spec.selector) && !selects({ matchLabels: spec.selector }, labels)) {
      errors.push(invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'))
    }
    validatePodTemplate(errors, 'spec.template', spec.template)
    requireAlwaysRestart(errors, 'spec.template', spec.template, 'ReplicationController')
    return errors
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    validateReplicaCounts(errors, status as object, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'])
    return errors
  },
  generationChanges: specChanges,
  columns: [
    NAME,
    ...replicaColumns<ReplicationController>(),
    AGE,
    ...templateColumns<ReplicationController>(({ spec }) => spec.template?.spec?.containers ?? []),
    wide(text('Selector', 'Labels of the pods.', ({ spec }) => formatLabels(spec.selector))),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  hasStatus: true,
  scale: REPLICA_SCALE,
  defaultPropagation: 'Orphan',
}
