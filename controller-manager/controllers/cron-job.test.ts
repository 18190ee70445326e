import { describe, expect, it } from 'vitest'
import type { CronJobSpec } from '../../api/generated/types.ts'
import { controllerReference } from '../../api/object.ts'
import { parseCron } from '../cron-schedule.ts'
import { createModel, type Model } from '../model.ts'
import { cronJob } from './cron-job.ts'

describe('a cron schedule', () => {
  it.each([
    ['* * * * *', 'UTC', '2026-01-01T00:00:30Z', '2026-01-01T00:01:00Z'],
    ['*/15 9-17 * * mon-fri', 'UTC', '2026-01-02T17:50:00Z', '2026-01-05T09:00:00Z'],
    ['0 0 31 * *', 'UTC', '2026-02-01T00:00:00Z', '2026-03-31T00:00:00Z'],
    ['0 0 13 * 5', 'UTC', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
    ['@monthly', 'UTC', '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'],
    ['5/20 * * * *', 'UTC', '2026-01-01T00:26:00Z', '2026-01-01T00:45:00Z'],
    ['30 6 * * *', 'Asia/Kolkata', '2026-01-01T00:30:00Z', '2026-01-01T01:00:00Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z'],
    ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  ])('%s in %s comes after %s at %s', (expression, zone, after, expected) => {
    expect(parseCron(expression, zone).next(new Date(after))?.toISOString()).toBe(expected.replace('Z', '.000Z'))
  })

  it.each(['* * * *', '60 * * * *', '5-1 * * * *', '*/0 * * * *', 'x * * * *'])('refuses %s', (expression) => {
    expect(() => parseCron(expression)).toThrow()
  })

  it.each([
    ['UTC', '2026-01-01T00:00:00Z'],
    ['Europe/Berlin', '2026-01-01T01:00:00+01:00'],
    ['America/St_Johns', '2025-12-31T20:30:00-03:30'],
  ])('times are told by the clock of %s', (zone, expected) => {
    expect(parseCron('@daily', zone).format(new Date('2026-01-01T00:00:00Z'))).toBe(expected)
  })
})

function withCronJob(spec: Partial<CronJobSpec> = {}): Model {
  const model = createModel([cronJob])
  model.add('CronJob', {
    metadata: { namespace: 'default', name: 'tick' },
    spec: {
      schedule: '* * * * *',
      concurrencyPolicy: 'Allow',
      jobTemplate: { spec: { template: { spec: { containers: [] } } } as never },
      ...spec,
    },
  })
  return model
}
const at = (model: Model, time: string) => {
  model.now = new Date(time)
  model.settle(cronJob)
}
const names = (model: Model) => model.list('Job').map(({ metadata }) => metadata.name)
const end = (model: Model, name: string, type = 'Complete') =>
  model.change('Job', `default/${name}`, (job) => {
    const time = model.now.toISOString()
    job.status = {
      conditions: [{ type, status: 'True', lastTransitionTime: time }],
      ...(type === 'Complete' ? { completionTime: time } : {}),
    }
  })

describe('CronJob', () => {
  it('makes one job at each time, named by its minute, and remembers it', () => {
    const model = withCronJob()
    at(model, '2026-01-01T00:00:59Z')
    expect(names(model)).toEqual([])
    at(model, '2026-01-01T00:01:00Z')
    at(model, '2026-01-01T00:01:30Z')
    const minute = Date.parse('2026-01-01T00:01:00Z') / 60_000
    expect(names(model)).toEqual([`tick-${minute}`])
    expect(model.get('CronJob', 'default/tick')?.status).toMatchObject({
      lastScheduleTime: '2026-01-01T00:01:00Z',
      active: [{ kind: 'Job', name: `tick-${minute}` }],
    })
    end(model, names(model)[0]!)
    model.settle(cronJob)
    expect(model.get('CronJob', 'default/tick')?.status?.active).toBeUndefined()
    expect(model.events.map(({ reason }) => reason)).toEqual(['SuccessfulCreate', 'SawCompletedJob'])
  })

  it('makes only the last of several missed jobs', () => {
    const model = withCronJob()
    at(model, '2026-01-01T03:00:10Z')
    expect(names(model)).toEqual([`tick-${Date.parse('2026-01-01T03:00:00Z') / 60_000}`])
  })

  it.each([
    ['Forbid', 1, 'JobAlreadyActive'],
    ['Replace', 1, 'SuccessfulDelete'],
    ['Allow', 2, 'SuccessfulCreate'],
  ])('with concurrency policy %s leaves %i jobs', (concurrencyPolicy, count, reason) => {
    const model = withCronJob({ concurrencyPolicy })
    at(model, '2026-01-01T00:01:00Z')
    at(model, '2026-01-01T00:02:00Z')
    expect(names(model)).toHaveLength(count)
    expect(model.events.map((event) => event.reason)).toContain(reason)
  })

  it.each(['Forbid', 'Replace'])(
    'with concurrency policy %s minds no job that somebody made from it by hand',
    (concurrencyPolicy) => {
      const model = withCronJob({ concurrencyPolicy })
      model.add('Job', {
        metadata: {
          namespace: 'default',
          name: 'mine',
          ownerReferences: [controllerReference(model.get('CronJob', 'default/tick')!)],
        },
        spec: { template: { spec: { containers: [] } } as never },
      })
      at(model, '2026-01-01T00:00:30Z')
      expect(model.get('CronJob', 'default/tick')?.status?.active).toBeUndefined()
      at(model, '2026-01-01T00:01:00Z')
      expect(names(model)).toEqual(['mine', `tick-${Date.parse('2026-01-01T00:01:00Z') / 60_000}`])
      expect(model.events.map((event) => event.reason)).toContain('UnexpectedJob')
    },
  )

  it('takes a job that it made before its end back into its list', () => {
    const model = withCronJob()
    at(model, '2026-01-01T00:01:00Z')
    model.change('CronJob', 'default/tick', (cronJob) => void delete cronJob.status)
    at(model, '2026-01-01T00:01:10Z')
    expect(names(model)).toHaveLength(1)
    expect(model.get('CronJob', 'default/tick')?.status?.active).toMatchObject([{ name: names(model)[0] }])
  })

  it('starts nothing while suspended, and nothing that is too late', () => {
    const model = withCronJob({ suspend: true })
    at(model, '2026-01-01T00:01:00Z')
    expect(names(model)).toEqual([])
    const late = withCronJob({ schedule: '0 * * * *', startingDeadlineSeconds: 10 })
    at(late, '2026-01-01T01:00:30Z')
    expect(names(late)).toEqual([])
  })

  it('keeps so many finished jobs', () => {
    const model = withCronJob({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 })
    for (let minute = 1; minute <= 4; minute++) {
      at(model, `2026-01-01T00:0${minute}:00Z`)
      end(model, names(model).at(-1)!, minute === 4 ? 'Failed' : 'Complete')
      model.settle(cronJob)
    }
    expect(names(model)).toEqual([`tick-${Date.parse('2026-01-01T00:03:00Z') / 60_000}`])
  })
})
