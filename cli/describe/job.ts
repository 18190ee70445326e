/** Jobs and cron jobs: what shall run, and how far it is. */
import type { CronJob, Job, JobSpec } from '../../api/generated/types.ts'
import { humanDuration } from '../../api/duration.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatBoolean, formatDate, Page } from './page.ts'
import { describePodTemplate } from './pod-template.ts'

/** A list of indexes is cut at the first comma after as many characters. */
const INDEXES_SHOWN = 50

export const jobDescriber: Describer<Job> = {
  kind: 'Job',
  group: 'batch',
  describe(job, _, events, now) {
    const { metadata, spec, status = {} } = job
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.line(0, 'Selector:', formatLabelSelector(spec.selector))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.controlledBy(job)
    describeLimits(page, spec)
    const { startTime, completionTime, active = 0, ready, succeeded = 0, failed = 0 } = status
    if (startTime) page.line(0, 'Start Time:', formatDate(startTime))
    if (completionTime) page.line(0, 'Completed At:', formatDate(completionTime))
    if (startTime && completionTime) page.line(0, 'Duration:', humanDuration(Date.parse(completionTime) - Date.parse(startTime)))
    if (spec.activeDeadlineSeconds !== undefined) page.line(0, 'Active Deadline Seconds:', `${spec.activeDeadlineSeconds}s`)
    const readyText = ready === undefined ? '' : ` (${ready} Ready)`
    page.line(0, 'Pods Statuses:', `${active} Active${readyText} / ${succeeded} Succeeded / ${failed} Failed`)
    if (spec.completionMode === 'Indexed') page.line(0, 'Completed Indexes:', formatIndexes(status.completedIndexes))
    describePodTemplate(spec.template, page)
    return describeEvents(page, events, now).toString()
  },
}

function describeLimits(page: Page, spec: JobSpec): void {
  if (spec.parallelism !== undefined) page.line(0, 'Parallelism:', spec.parallelism)
  page.line(0, 'Completions:', spec.completions ?? '<unset>')
  if (spec.completionMode !== undefined) page.line(0, 'Completion Mode:', spec.completionMode)
  if (spec.suspend !== undefined) page.line(0, 'Suspend:', spec.suspend)
  if (spec.backoffLimit !== undefined) page.line(0, 'Backoff Limit:', spec.backoffLimit)
  if (spec.ttlSecondsAfterFinished !== undefined) page.line(0, 'TTL Seconds After Finished:', spec.ttlSecondsAfterFinished)
}

function formatIndexes(indexes = ''): string {
  if (indexes === '') return '<none>'
  const comma = indexes.indexOf(',', INDEXES_SHOWN)
  return comma < 0 ? indexes : `${indexes.slice(0, comma + 1)}...`
}

export const cronJobDescriber: Describer<CronJob> = {
  kind: 'CronJob',
  group: 'batch',
  describe({ metadata, spec, status = {} }, _, events, now) {
    const page = new Page().identity(metadata)
    page.line(0, 'Schedule:', spec.schedule)
    page.line(0, 'Concurrency Policy:', spec.concurrencyPolicy)
    page.line(0, 'Suspend:', formatBoolean(spec.suspend))
    page.line(0, 'Successful Job History Limit:', spec.successfulJobsHistoryLimit ?? '<unset>')
    page.line(0, 'Failed Job History Limit:', spec.failedJobsHistoryLimit ?? '<unset>')
    const { startingDeadlineSeconds: deadline, jobTemplate } = spec
    page.line(0, 'Starting Deadline Seconds:', deadline === undefined ? '<unset>' : `${deadline}s`)
    const { selector, parallelism, completions, activeDeadlineSeconds, template } = jobTemplate.spec ?? {}
    page.line(0, 'Selector:', selector ? formatLabelSelector(selector) : '<unset>')
    page.line(0, 'Parallelism:', parallelism ?? '<unset>')
    page.line(0, 'Completions:', completions ?? '<unset>')
    if (activeDeadlineSeconds !== undefined) page.line(0, 'Active Deadline Seconds:', `${activeDeadlineSeconds}s`)
    describePodTemplate(template, page)
    page.line(0, 'Last Schedule Time:', formatDate(status.lastScheduleTime))
    page.line(0, 'Active Jobs:', status.active?.map(({ name }) => name).join(', ') || '<none>')
    return describeEvents(page, events, now).toString()
  },
}
