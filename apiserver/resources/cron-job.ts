/** CronJob. */
import { ageOf } from '../../api/duration.ts'
import { invalid, notSupported, required } from '../../api/field-error.ts'
import type { CronJob, JobSpec } from '../../api/generated/types.ts'
import { AGE, boolean, integer, NAME, NONE, templateColumns, text } from './columns.ts'
import { scheduleComplaint } from './rules/cron-schedule.ts'
import { specChanges } from './define-resource.ts'
import { checkNotNegative, checkOneOf, type Errors } from './rules/field-rules.ts'
import { validateJobSpec } from './rules/job-spec.ts'
import { setPodTemplateDefaults } from './pod-spec/template.ts'
import { templateWarnings } from './warnings/pod-warnings.ts'
import type { ResourceBehaviour } from './resource.ts'

/** A job is called after its cron job and the time: eleven characters more. */
const MAX_NAME = 52

export const cronJob: ResourceBehaviour<CronJob> = {
  setDefaults: ({ spec }) => {
    spec.concurrencyPolicy ||= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    const template = (spec.jobTemplate ??= {})
    template.metadata ??= {} as NonNullable<typeof template.metadata>
    const job = (template.spec ??= {} as JobSpec)
    setPodTemplateDefaults(job.template)
  },
  validate: ({ metadata, spec }) => {
    const errors: Errors = []
    if (metadata.name.length > MAX_NAME) {
      errors.push(invalid('metadata.name', metadata.name, `must be no more than ${MAX_NAME} characters`))
    }
    validateSchedule(errors, spec.schedule)
    if (spec.timeZone !== undefined) validateTimeZone(errors, spec.timeZone)
    checkNotNegative(errors, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds)
    checkOneOf(errors, 'spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'])
    checkNotNegative(errors, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit)
    checkNotNegative(errors, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit)
    validateJobTemplate(errors, 'spec.jobTemplate.spec', spec.jobTemplate.spec!)
    return errors
  },
  generationChanges: specChanges,
  warnings: (cronJob, old) =>
    templateWarnings(
      cronJob,
      'spec.jobTemplate.spec.template',
      cronJob.spec.jobTemplate.spec?.template,
      old?.spec.jobTemplate.spec?.template,
    ),
  columns: [
    NAME,
    text('Schedule', 'The schedule in cron format.', ({ spec }) => spec.schedule),
    text('Timezone', 'The time zone of the schedule.', ({ spec }) => spec.timeZone ?? NONE),
    boolean('Suspend', 'Whether further jobs are held back.', ({ spec }) => spec.suspend),
    integer('Active', 'Number of jobs that run.', ({ status }) => status?.active?.length),
    text('Last Schedule', 'When a job was started last.', ({ status }, now) =>
      status?.lastScheduleTime ? ageOf(status.lastScheduleTime, now) : NONE,
    ),
    AGE,
    ...templateColumns<CronJob>(
      ({ spec }) => spec.jobTemplate.spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec.jobTemplate.spec?.selector,
    ),
  ],
  hasStatus: true,
}

function validateSchedule(errors: Errors, schedule: string): void {
  if (!schedule) {
    errors.push(required('spec.schedule'))
    return
  }
  const complaint = scheduleComplaint(schedule)
  if (complaint) errors.push(invalid('spec.schedule', schedule, complaint))
  if (schedule.includes('TZ')) {
    const why =
      'cannot use TZ or CRON_TZ in schedule, use timeZone field instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones for more details'
    errors.push(invalid('spec.schedule', schedule, why))
  }
}

function validateTimeZone(errors: Errors, timeZone: string): void {
  const path = 'spec.timeZone'
  if (timeZone === '') errors.push(invalid(path, timeZone, 'timeZone must be nil or non-empty string'))
  else if (timeZone.toLowerCase() === 'local') {
    errors.push(invalid(path, timeZone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'))
  } else if (!isTimeZone(timeZone)) errors.push(invalid(path, timeZone, `unknown time zone ${timeZone}`))
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function validateJobTemplate(errors: Errors, path: string, spec: JobSpec): void {
  if (!spec.template) {
    errors.push(required(`${path}.template`))
    return
  }
  validateJobSpec(errors, path, spec)
  if (spec.selector) errors.push(invalid(`${path}.selector`, spec.selector, '`selector` will be auto-generated'))
  if (spec.manualSelector) errors.push(notSupported(`${path}.manualSelector`, spec.manualSelector, ['nil', 'false']))
}
