/** Job. */
import { humanDuration } from '../../api/duration.ts'
import { invalid, required } from '../../api/field-error.ts'
import type { Job, PodTemplateSpec } from '../../api/generated/types.ts'
import { AGE, NAME, templateColumns, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { checkImmutable, checkNotNegative, type Errors } from './rules/field-rules.ts'
import { validateJobSpec } from './rules/job-spec.ts'
import { isEmptyMap, selects, validateLabelSelector } from './rules/label-selector.ts'
import { setPodTemplateDefaults } from './pod-spec/template.ts'
import { templateWarnings } from './warnings/pod-warnings.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

const UID_LABEL = 'batch.kubernetes.io/controller-uid'
const NAME_LABEL = 'batch.kubernetes.io/job-name'
/** Of versions before v1.27; pods carry both. */
const OLD_UID_LABEL = 'controller-uid'
const OLD_NAME_LABEL = 'job-name'
const MAX_INT32 = 2 ** 31 - 1

export const job: ResourceBehaviour<Job> = {
  setDefaults: ({ metadata, spec }) => {
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
    spec.parallelism ??= 1
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : MAX_INT32
    spec.completionMode ||= 'NonIndexed'
    spec.suspend ??= false
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
    for (const { onPodConditions } of spec.podFailurePolicy?.rules ?? []) {
      for (const pattern of onPodConditions ?? []) pattern.status ||= 'True'
    }
    setPodTemplateDefaults(spec.template)
    const labels = spec.template?.metadata?.labels
    if (isEmptyMap(metadata.labels) && labels) metadata.labels = { ...labels }
  },
  prepareForCreate: (job) => {
    if (!job.spec.manualSelector) generateSelector(job)
  },
  validate: (job) => {
    const errors: Errors = []
    validateGeneratedSelector(errors, job)
    validateJobSpec(errors, 'spec', job.spec)
    const { selector, template } = job.spec
    if (!selector) errors.push(required('spec.selector'))
    else {
      validateLabelSelector(errors, 'spec.selector', selector)
      const labels = template.metadata?.labels
      if (!selects(selector, labels)) {
        errors.push(invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'))
      }
    }
    return errors
  },
  validateUpdate: validateJobUpdate,
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    for (const member of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) {
      checkNotNegative(errors, `status.${member}`, status?.[member])
    }
    return errors
  },
  generationChanges: specChanges,
  warnings: (job, old) => templateWarnings(job, 'spec.template', job.spec.template, old?.spec.template),
  columns: [
    NAME,
    text('Status', 'Status of the job.', statusOf),
    text('Completions', 'Pods that have succeeded, of those that must.', completionsOf),
    text('Duration', 'Time required to complete the job.', durationOf),
    AGE,
    ...templateColumns<Job>(
      ({ spec }) => spec.template.spec?.containers ?? [],
      ({ spec }) => spec.selector,
    ),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  hasStatus: true,
  // Old clients expect pods to stay when a job goes without a word about them.
  defaultPropagation: 'Orphan',
}

function generateSelector({ metadata, spec }: Job): void {
  const template = spec.template
  const labels = { ...template.metadata?.labels }
  // What the author has set already stays, for validation to complain about.
  labels[UID_LABEL] ??= metadata.uid
  labels[NAME_LABEL] ??= metadata.name
  labels[OLD_UID_LABEL] ??= metadata.uid
  labels[OLD_NAME_LABEL] ??= metadata.name
  // Labels that the job has from its template are those that the template gets.
  if (isEmptyMap(metadata.labels) || sameJson(metadata.labels, template.metadata?.labels)) metadata.labels = { ...labels }
  template.metadata = { ...template.metadata, labels } as NonNullable<PodTemplateSpec['metadata']>
  const selector = (spec.selector ??= {})
  const matched = (selector.matchLabels ??= {})
  if (matched[OLD_UID_LABEL] === undefined) matched[UID_LABEL] ??= metadata.uid
}

function validateGeneratedSelector(errors: Errors, { metadata, spec }: Job): void {
  if (spec.manualSelector || !spec.selector) return
  const expected = {
    [UID_LABEL]: metadata.uid,
    [NAME_LABEL]: metadata.name,
    [OLD_UID_LABEL]: metadata.uid,
    [OLD_NAME_LABEL]: metadata.name,
  }
  const labels = spec.template.metadata?.labels ?? {}
  for (const key of [OLD_UID_LABEL, OLD_NAME_LABEL] as const) {
    const path = 'spec.template.metadata.labels'
    if (labels[key] === undefined) errors.push(required(`${path}[${key}]`, `must be '${expected[key]}'`))
    else if (labels[key] !== expected[key]) errors.push(invalid(`${path}[${key}]`, labels, `must be '${expected[key]}'`))
  }
  if (!selects(spec.selector, expected)) errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'))
}

const IMMUTABLE = [
  'selector',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const

function validateJobUpdate({ spec, status }: Job, old: Job): Errors {
  const errors: Errors = []
  const elastic =
    spec.completionMode === 'Indexed' && spec.completions === spec.parallelism && old.spec.completions === old.spec.parallelism
  if (!elastic) checkImmutable(errors, 'spec.completions', spec.completions, old.spec.completions)
  for (const member of IMMUTABLE) checkImmutable(errors, `spec.${member}`, spec[member], old.spec[member])
  const template = mayBeMovedElsewhere(old, status) ? withSchedulingOf(spec.template, old.spec.template) : spec.template
  checkImmutable(errors, 'spec.template', template, old.spec.template)
  return errors
}

/** A job that is suspended and has not started may still be told where its pods shall go: queues do that. */
const mayBeMovedElsewhere = ({ spec, status }: Job, now: Job['status']): boolean =>
  Boolean(spec.suspend) && status?.startTime === undefined && now?.startTime === undefined

/** The template with the old one's scheduling directives: what is left must not differ. */
function withSchedulingOf(template: PodTemplateSpec, old: PodTemplateSpec): PodTemplateSpec {
  const { nodeSelector, affinity, tolerations, schedulingGates, containers, initContainers } = old.spec!
  const spec = { ...template.spec!, nodeSelector, affinity, tolerations, schedulingGates }
  spec.containers = spec.containers.map((container, i) => ({ ...container, resources: containers[i]?.resources }))
  if (spec.initContainers) {
    spec.initContainers = spec.initContainers.map((container, i) => ({ ...container, resources: initContainers?.[i]?.resources }))
  }
  return { ...template, metadata: old.metadata, spec }
}

function statusOf({ metadata, status }: Job): string {
  const has = (type: string) => status?.conditions?.some((condition) => condition.type === type && condition.status === 'True')
  if (has('Complete')) return 'Complete'
  if (has('Failed')) return 'Failed'
  if (metadata.deletionTimestamp) return 'Terminating'
  if (has('Suspended')) return 'Suspended'
  if (has('FailureTarget')) return 'FailureTarget'
  if (has('SuccessCriteriaMet')) return 'SuccessCriteriaMet'
  return 'Running'
}

function completionsOf({ spec: { completions, parallelism = 0 }, status }: Job): string {
  const succeeded = status?.succeeded ?? 0
  if (completions !== undefined) return `${succeeded}/${completions}`
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function durationOf({ status }: Job, now: Date): string {
  if (!status?.startTime) return ''
  const end = status.completionTime ? Date.parse(status.completionTime) : now.getTime()
  return humanDuration(end - Date.parse(status.startTime))
}
