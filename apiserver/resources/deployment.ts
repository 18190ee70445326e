/** Deployment. */
import { forbidden, invalid, notSupported } from '../../api/field-error.ts'
import type { Deployment, DeploymentStrategy } from '../../api/generated/types.ts'
import { AGE, integer, NAME, templateColumns, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { checkImmutable, checkNotNegative, type Errors } from './rules/field-rules.ts'
import { checkAtMost100Percent, isZero, validateIntOrPercent } from './rules/int-or-percent.ts'
import { requireAlwaysRestart, setPodTemplateDefaults, validateSelectorAndTemplate } from './pod-spec/template.ts'
import { templateWarnings } from './warnings/pod-warnings.ts'
import { validateReplicaCounts } from './rules/replica-status.ts'
import { REPLICA_SCALE } from './replicas.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

export const deployment: ResourceBehaviour<Deployment> = {
  setDefaults: ({ spec }) => {
    spec.replicas ??= 1
    const strategy = (spec.strategy ??= {})
    strategy.type ||= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {})
      rolling.maxUnavailable ??= '25%'
      rolling.maxSurge ??= '25%'
    }
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    setPodTemplateDefaults(spec.template)
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    checkNotNegative(errors, 'spec.replicas', spec.replicas)
    validateSelectorAndTemplate(errors, 'spec', spec, 'deployment')
    requireAlwaysRestart(errors, 'spec.template', spec.template, 'ReplicaSet')
    validateStrategy(errors, 'spec.strategy', spec.strategy!)
    checkNotNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
    checkNotNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
    checkNotNegative(errors, 'spec.progressDeadlineSeconds', spec.progressDeadlineSeconds)
    if (spec.progressDeadlineSeconds! <= (spec.minReadySeconds ?? 0)) {
      errors.push(invalid('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds'))
    }
    return errors
  },
  validateUpdate: (deployment, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'spec.selector', deployment.spec.selector, old.spec.selector)
    return errors
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    validateReplicaCounts(errors, status as object, ['updatedReplicas', 'readyReplicas', 'availableReplicas'])
    return errors
  },
  // Annotations are copied to replica sets, so that a change of them is one to observe too.
  generationChanges: (deployment, old) =>
    specChanges(deployment, old) || !sameJson(deployment.metadata.annotations, old.metadata.annotations),
  warnings: (deployment, old) => templateWarnings(deployment, 'spec.template', deployment.spec.template, old?.spec.template),
  columns: [
    NAME,
    text(
      'Ready',
      'Number of the pod with ready state',
      ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    ),
    integer('Up-to-date', 'Number of pods that have the newest template.', ({ status }) => status?.updatedReplicas),
    integer('Available', 'Number of pods that have been ready for long enough.', ({ status }) => status?.availableReplicas),
    AGE,
    ...templateColumns<Deployment>(
      ({ spec }) => spec.template.spec?.containers ?? [],
      ({ spec }) => spec.selector,
    ),
  ],
  hasStatus: true,
  scale: REPLICA_SCALE,
}

function validateStrategy(errors: Errors, path: string, { type, rollingUpdate }: DeploymentStrategy): void {
  if (type === 'Recreate') {
    if (rollingUpdate) {
      errors.push(forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"))
    }
    return
  }
  if (type !== 'RollingUpdate') {
    errors.push(notSupported(path, { Type: type, RollingUpdate: null }, ['Recreate', 'RollingUpdate']))
    return
  }
  const { maxUnavailable, maxSurge } = rollingUpdate!
  validateIntOrPercent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable)
  validateIntOrPercent(errors, `${path}.rollingUpdate.maxSurge`, maxSurge)
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'))
  }
  checkAtMost100Percent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable)
}
