/** CronJob: makes a job at each time of a schedule, keeps a few finished ones, and minds what still runs. */
import type { CronJob, CronJobStatus, Job, ObjectReference } from '../../api/generated/types.ts'
import { deepCopy } from '../../api/json.ts'
import { controllerReference, type New } from '../../api/object.ts'
import { isAlreadyExists } from '../../api/status.ts'
import { formatTime } from '../../api/time.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { findCondition } from '../conditions.ts'
import { parseCron, type CronSchedule } from '../cron-schedule.ts'
import { remove, updateStatus } from '../status-patch.ts'
import { isJobFinished } from './job.ts'

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
const tooManyMissed = 100

export const cronJob: Controller<'CronJob', Job[]> = {
  name: 'cronjob-controller',
  for: 'CronJob',
  owns: ['Job'],
  observe: ({ metadata }, cache) => cache.of('Job').controlledBy(metadata.uid),
  reconcile,
}

const event = (about: CronJob, type: 'Normal' | 'Warning', reason: string, message: string): Action => ({
  do: 'event',
  about,
  type,
  reason,
  message,
})

export function reconcile(cronJob: CronJob, jobs: readonly Job[], now: Date): Action[] {
  const seen = noticeEnds(cronJob, jobs)
  if (cronJob.metadata.deletionTimestamp) return [...seen.events, ...updateStatus(cronJob, seen.status)]
  const started = startDue(cronJob, jobs, seen.status, now)
  return [
    ...seen.events,
    ...expireJobs(cronJob, jobs),
    ...started.actions,
    ...updateStatus(cronJob, started.status),
    ...started.later,
  ]
}

/** What ended since the last look leaves the list of active jobs. */
function noticeEnds(cronJob: CronJob, jobs: readonly Job[]): { status: CronJobStatus; events: Action[] } {
  const status: CronJobStatus = { ...cronJob.status }
  const events: Action[] = []
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]))
  const active = (status.active ?? []).filter((reference) => {
    const job = byUid.get(reference.uid ?? '')
    if (job && !isJobFinished(job)) return true
    if (job)
      events.push(
        event(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${endOf(job)}`),
      )
    else events.push(event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`))
    return false
  })
  for (const job of jobs) {
    // Somebody's own (`kubectl create job --from`): told of while it is new, and left alone by every concurrency policy.
    if (job.status?.startTime || isJobFinished(job) || isActive({ active }, job)) continue
    events.push(
      event(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`),
    )
  }
  const ends = jobs.filter((job) => endOf(job) === 'Complete').flatMap(({ status: jobStatus }) => jobStatus?.completionTime ?? [])
  const lastSuccessfulTime = [...ends, ...(status.lastSuccessfulTime ? [status.lastSuccessfulTime] : [])].toSorted().at(-1)
  return { status: { ...status, active, lastSuccessfulTime }, events }
}

const isActive = ({ active }: CronJobStatus, { metadata }: Job): boolean =>
  active?.some(({ uid }) => uid === metadata.uid) === true

const endOf = ({ status }: Job): string =>
  findCondition(status?.conditions, 'Complete')?.status === 'True' ? 'Complete' : 'Failed'

const referenceTo = ({ apiVersion, kind, metadata: { namespace, name, uid, resourceVersion } }: Job): ObjectReference => ({
  apiVersion,
  kind,
  namespace,
  name,
  uid,
  resourceVersion,
})

function expireJobs(cronJob: CronJob, jobs: readonly Job[]): Action[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec
  const startedAt = ({ status, metadata }: Job) => Date.parse(status?.startTime ?? metadata.creationTimestamp ?? '') || 0
  const oldest = (end: string, limit: number) => {
    const ended = jobs.filter((job) => isJobFinished(job) && endOf(job) === end && !job.metadata.deletionTimestamp)
    return ended.toSorted((a, b) => startedAt(a) - startedAt(b)).slice(0, Math.max(0, ended.length - limit))
  }
  const expired = [...oldest('Complete', successfulJobsHistoryLimit), ...oldest('Failed', failedJobsHistoryLimit)]
  return expired.flatMap((job) => deleteJob(cronJob, job))
}

const deleteJob = (cronJob: CronJob, job: Job): Action[] => [
  { ...remove(job), propagationPolicy: 'Background' } as Action,
  event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`),
]

interface Started {
  actions: Action[]
  status: CronJobStatus
}

function startDue(cronJob: CronJob, jobs: readonly Job[], status: CronJobStatus, now: Date): Started & { later: Action[] } {
  const { schedule: text, timeZone = 'UTC', suspend } = cronJob.spec
  if (suspend) return { actions: [], status, later: [] }
  let schedule: CronSchedule
  try {
    schedule = parseCron(text, timeZone)
  } catch (error) {
    const message = `unparseable schedule ${JSON.stringify(text)} : ${(error as Error).message}`
    return { actions: [event(cronJob, 'Warning', 'UnparseableSchedule', message)], status, later: [] }
  }
  const { time, missed } = lastDue(cronJob, status, schedule, now)
  const warnings = missed > tooManyMissed ? [event(cronJob, 'Warning', 'TooManyMissedTimes', tooManyMissedMessage)] : []
  const started = time ? startAt(cronJob, jobs, status, schedule, time, now) : { actions: [], status }
  return { actions: [...warnings, ...started.actions], status: started.status, later: nextLook(schedule, now) }
}

const tooManyMissedMessage = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'

/** The job of one time of the schedule; or why there is to be none. */
function startAt(
  cronJob: CronJob,
  jobs: readonly Job[],
  status: CronJobStatus,
  schedule: CronSchedule,
  time: Date,
  now: Date,
): Started {
  const { startingDeadlineSeconds: deadline, concurrencyPolicy } = cronJob.spec
  if (deadline !== undefined && time.getTime() + deadline * 1000 < now.getTime()) {
    const message = `Missed scheduled time to start a job: ${time.toUTCString().replace('GMT', '+0000')}`
    return { actions: [event(cronJob, 'Warning', 'MissSchedule', message)], status }
  }
  const name = jobName(cronJob, time)
  const lastScheduleTime = formatTime(time)
  // Made in a pass whose status write failed: only the status is missing.
  const made = jobs.find(({ metadata }) => metadata.name === name)
  if (made) {
    const active = isJobFinished(made) || isActive(status, made) ? status.active : [...(status.active ?? []), referenceTo(made)]
    return { actions: [], status: { ...status, active, lastScheduleTime } }
  }

  const running = jobs.filter((job) => isActive(status, job))
  if (concurrencyPolicy === 'Forbid' && running.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid'
    return { actions: [event(cronJob, 'Normal', 'JobAlreadyActive', message)], status }
  }
  const replaced = concurrencyPolicy === 'Replace' ? running : []
  const active = (status.active ?? []).filter(({ uid }) => !replaced.some(({ metadata }) => metadata.uid === uid))
  return {
    actions: [
      ...replaced.flatMap((job) => deleteJob(cronJob, job)),
      createJob(cronJob, name, schedule.format(time), { ...status, active, lastScheduleTime }),
    ],
    // The whole status is written with the new job in it, once its UID is known.
    status: cronJob.status ?? {},
  }
}

/** The last time that is due and has not been served, and how many such times there are. */
function lastDue({ metadata, spec }: CronJob, { lastScheduleTime }: CronJobStatus, schedule: CronSchedule, now: Date) {
  let from = new Date(lastScheduleTime ?? metadata.creationTimestamp ?? now)
  if (spec.startingDeadlineSeconds !== undefined) {
    const earliest = new Date(now.getTime() - spec.startingDeadlineSeconds * 1000)
    if (earliest > from) from = earliest
  }
  let time: Date | null = null
  let missed = 0
  for (let next = schedule.next(from); next && next <= now; next = schedule.next(next)) {
    time = next
    missed++
    // After years of standing still, jump ahead: only the last time counts.
    if (missed === tooManyMissed + 1) {
      const recent = new Date(now.getTime() - 2 * 24 * 3_600_000)
      const ahead = schedule.next(recent)
      if (ahead && ahead <= now && ahead > next) time = next = ahead
    }
  }
  return { time, missed }
}

const nextLook = (schedule: CronSchedule, now: Date): Action[] => {
  const next = schedule.next(now)
  // A little later than on time: a clock that is behind would find nothing due.
  return next ? [{ do: 'requeue', afterMs: next.getTime() - now.getTime() + 100 }] : []
}

const jobName = ({ metadata }: CronJob, time: Date): string => `${metadata.name}-${Math.floor(time.getTime() / 60_000)}`

/** `scheduledAt`: its time, as the clock of the schedule's zone shows it. */
function createJob(cronJob: CronJob, name: string, scheduledAt: string, status: CronJobStatus): Action {
  const { metadata: { labels, annotations } = {} as Job['metadata'], spec } = cronJob.spec.jobTemplate
  const object: New<Job> = {
    metadata: {
      name,
      namespace: cronJob.metadata.namespace,
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, [scheduledAnnotation]: scheduledAt },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec: deepCopy(spec) as Job['spec'],
  }
  return {
    do: 'attempt',
    actions: [
      {
        do: 'create',
        kind: 'Job',
        object,
        created: (job) => [
          event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`),
          ...updateStatus(cronJob, { ...status, active: [...(status.active ?? []), referenceTo(job as Job)] }),
        ],
      },
    ],
    failed: (error) =>
      isAlreadyExists(error) ? [] : [event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${error.message}`)],
  }
}
