/** StatefulSet. */
import { forbidden, invalid, required } from '../../api/field-error.ts'
import type { PersistentVolumeClaim, StatefulSet, StatefulSetUpdateStrategy } from '../../api/generated/types.ts'
import { setClaimSpecDefaults } from './rules/claim-spec.ts'
import { AGE, NAME, templateColumns, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { checkNotNegative, checkOneOf, type Errors } from './rules/field-rules.ts'
import { checkAtMost100Percent, isZero, validateIntOrPercent } from './rules/int-or-percent.ts'
import { isEmptySelector, selects, validateLabelSelector } from './rules/label-selector.ts'
import { validateAnnotations, validateLabels } from './rules/object-meta.ts'
import { requireAlwaysRestart, setPodTemplateDefaults } from './pod-spec/template.ts'
import { validateReplicaCounts } from './rules/replica-status.ts'
import { templateWarnings } from './warnings/pod-warnings.ts'
import { REPLICA_SCALE } from './replicas.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

type Spec = StatefulSet['spec']

export const statefulSet: ResourceBehaviour<StatefulSet> = {
  setDefaults: ({ spec }) => {
    spec.podManagementPolicy ||= 'OrderedReady'
    const strategy = (spec.updateStrategy ??= {})
    strategy.type ||= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') (strategy.rollingUpdate ??= {}).partition ??= 0
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {})
    retention.whenDeleted ||= 'Retain'
    retention.whenScaled ||= 'Retain'
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    setPodTemplateDefaults(spec.template)
    for (const claim of spec.volumeClaimTemplates ?? []) setClaimTemplateDefaults(claim)
  },
  newStatus: () => ({ replicas: 0, availableReplicas: 0 }),
  validate: ({ spec }) => {
    const errors: Errors = []
    validateSpec(errors, spec)
    return errors
  },
  validateUpdate: ({ spec }, old) => {
    const kept = { ...spec }
    for (const member of MAY_CHANGE) Object.assign(kept, { [member]: old.spec[member] })
    return sameJson(kept, old.spec) ? [] : [forbidden('spec', MAY_CHANGE_TEXT)]
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    validateReplicaCounts(errors, status as object, ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'])
    return errors
  },
  generationChanges: specChanges,
  warnings: (statefulSet, old) => templateWarnings(statefulSet, 'spec.template', statefulSet.spec.template, old?.spec.template),
  columns: [
    NAME,
    text(
      'Ready',
      'Number of the pod with ready state',
      ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    ),
    AGE,
    ...templateColumns<StatefulSet>(({ spec }) => spec.template.spec?.containers ?? []),
  ],
  hasStatus: true,
  scale: REPLICA_SCALE,
}

const MAY_CHANGE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const
const MAY_CHANGE_TEXT =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

function setClaimTemplateDefaults(claim: PersistentVolumeClaim): void {
  claim.apiVersion ||= 'v1'
  claim.kind ||= 'PersistentVolumeClaim'
  claim.status ??= { phase: 'Pending' }
  claim.spec ??= {}
  setClaimSpecDefaults(claim.spec)
}

function validateSpec(errors: Errors, spec: Spec): void {
  if (!spec.podManagementPolicy) errors.push(required('spec.podManagementPolicy'))
  else if (!['OrderedReady', 'Parallel'].includes(spec.podManagementPolicy)) {
    errors.push(invalid('spec.podManagementPolicy', spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"))
  }
  validateStrategy(errors, 'spec.updateStrategy', spec.updateStrategy!)
  const retention = spec.persistentVolumeClaimRetentionPolicy
  checkOneOf(errors, 'spec.persistentVolumeClaimRetentionPolicy.whenDeleted', retention?.whenDeleted, ['Retain', 'Delete'])
  checkOneOf(errors, 'spec.persistentVolumeClaimRetentionPolicy.whenScaled', retention?.whenScaled, ['Retain', 'Delete'])
  checkNotNegative(errors, 'spec.replicas', spec.replicas)
  checkNotNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
  if (spec.ordinals) checkNotNegative(errors, 'spec.ordinals.start', spec.ordinals.start)
  validateSelector(errors, spec)
  requireAlwaysRestart(errors, 'spec.template', spec.template, 'StatefulSet')
}

/** The pod spec is looked at when the pods are made: its mounts may name volumes that the claim templates will give. */
function validateSelector(errors: Errors, { selector, template }: Spec): void {
  if (!selector) errors.push(required('spec.selector'))
  else {
    validateLabelSelector(errors, 'spec.selector', selector)
    if (isEmptySelector(selector)) errors.push(invalid('spec.selector', selector, 'empty selector is invalid for statefulset'))
  }
  const labels = template.metadata?.labels
  if (selector && !isEmptySelector(selector) && !selects(selector, labels)) {
    errors.push(invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'))
  }
  validateLabels(errors, 'spec.template.labels', labels)
  validateAnnotations(errors, 'spec.template.annotations', template.metadata?.annotations)
}

function validateStrategy(errors: Errors, path: string, strategy: StatefulSetUpdateStrategy): void {
  const { type, rollingUpdate } = strategy
  if (type === 'OnDelete') {
    if (rollingUpdate) {
      errors.push(invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"))
    }
    return
  }
  if (type !== 'RollingUpdate') {
    errors.push(invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'"))
    return
  }
  checkNotNegative(errors, `${path}.rollingUpdate.partition`, rollingUpdate?.partition)
  const maxUnavailable = rollingUpdate?.maxUnavailable
  if (maxUnavailable === undefined) return
  validateIntOrPercent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable)
  if (isZero(maxUnavailable)) errors.push(invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, 'cannot be 0'))
  checkAtMost100Percent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable)
}
