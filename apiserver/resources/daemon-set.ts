/** DaemonSet. */
import { invalid, notSupported, required } from '../../api/field-error.ts'
import type { DaemonSet, DaemonSetUpdateStrategy } from '../../api/generated/types.ts'
import { AGE, formatLabels, integer, NAME, templateColumns, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { checkImmutable, checkNotNegative, type Errors } from './rules/field-rules.ts'
import { checkAtMost100Percent, isZero, validateIntOrPercent } from './rules/int-or-percent.ts'
import { requireAlwaysRestart, setPodTemplateDefaults, validateSelectorAndTemplate } from './pod-spec/template.ts'
import { templateWarnings } from './warnings/pod-warnings.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

/** Counts changes of the template: a field of older versions, which lives on as an annotation. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

const COUNTS = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'observedGeneration',
  'collisionCount',
] as const

export const daemonSet: ResourceBehaviour<DaemonSet> = {
  setDefaults: ({ spec }) => {
    const strategy = (spec.updateStrategy ??= {})
    strategy.type ||= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {})
      rolling.maxUnavailable ??= 1
      rolling.maxSurge ??= 0
    }
    spec.revisionHistoryLimit ??= 10
    setPodTemplateDefaults(spec.template)
  },
  newStatus: () => ({ currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }),
  prepareForCreate: ({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: '1' }
  },
  prepareForUpdate: ({ metadata, spec }, old) => {
    const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0)
    const generation = before + (sameJson(spec.template, old.spec.template) ? 0 : 1)
    metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    validateSelectorAndTemplate(errors, 'spec', spec, 'daemonset')
    requireAlwaysRestart(errors, 'spec.template', spec.template, 'DaemonSet')
    checkNotNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
    validateStrategy(errors, 'spec.updateStrategy', spec.updateStrategy!)
    checkNotNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
    return errors
  },
  validateUpdate: (daemonSet, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'spec.selector', daemonSet.spec.selector, old.spec.selector)
    return errors
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    for (const member of COUNTS) checkNotNegative(errors, `status.${member}`, status?.[member])
    return errors
  },
  generationChanges: specChanges,
  warnings: (daemonSet, old) => templateWarnings(daemonSet, 'spec.template', daemonSet.spec.template, old?.spec.template),
  columns: [
    NAME,
    integer('Desired', 'Number of nodes that should run the pod.', ({ status }) => status?.desiredNumberScheduled),
    integer('Current', 'Number of nodes that run the pod and should.', ({ status }) => status?.currentNumberScheduled),
    integer('Ready', 'Number of nodes whose pod is ready.', ({ status }) => status?.numberReady),
    integer('Up-to-date', 'Number of nodes whose pod has the newest template.', ({ status }) => status?.updatedNumberScheduled),
    integer('Available', 'Number of nodes whose pod has been ready for long enough.', ({ status }) => status?.numberAvailable),
    text('Node Selector', 'Labels of the nodes that run the pod.', ({ spec }) => formatLabels(spec.template.spec?.nodeSelector)),
    AGE,
    ...templateColumns<DaemonSet>(
      ({ spec }) => spec.template.spec?.containers ?? [],
      ({ spec }) => spec.selector,
    ),
  ],
  hasStatus: true,
}

function validateStrategy(errors: Errors, path: string, { type, rollingUpdate }: DaemonSetUpdateStrategy): void {
  if (type === 'OnDelete') return
  if (type !== 'RollingUpdate') {
    errors.push(notSupported(path, { Type: type, RollingUpdate: null }, ['RollingUpdate', 'OnDelete']))
    return
  }
  const at = `${path}.rollingUpdate`
  const { maxUnavailable, maxSurge } = rollingUpdate!
  validateIntOrPercent(errors, `${at}.maxUnavailable`, maxUnavailable)
  validateIntOrPercent(errors, `${at}.maxSurge`, maxSurge)
  checkAtMost100Percent(errors, `${at}.maxUnavailable`, maxUnavailable)
  checkAtMost100Percent(errors, `${at}.maxSurge`, maxSurge)
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    errors.push(invalid(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  } else if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  }
}
