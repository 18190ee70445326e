import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JobSpec, Pod } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { job } from './job.ts'
import { formatIndexes, parseIndexes } from './job/pods.ts'

const labels = { 'batch.kubernetes.io/controller-uid': 'job' }

function withJob(spec: Partial<JobSpec> = {}): Model {
  const model = createModel([job])
  model.add('Job', {
    metadata: { namespace: 'default', name: 'pi', uid: 'job' },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      selector: { matchLabels: labels },
      template: { metadata: { labels } as never, spec: { restartPolicy: 'Never', containers: [{ name: 'c' }] } },
      ...spec,
    },
  })
  return model
}

const status = (model: Model) => model.get('Job', 'default/pi')!.status!
const conditions = (model: Model) =>
  (status(model).conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`)
const active = (model: Model) => model.list('Pod').filter((pod) => !pod.status?.phase && !pod.metadata.deletionTimestamp)

/** What kubelet and API server do. */
function end(model: Model, pod: Pod, phase: 'Succeeded' | 'Failed', exitCode = phase === 'Failed' ? 1 : 0) {
  model.change('Pod', `default/${pod.metadata.name}`, (changed) => {
    const terminated = { exitCode, finishedAt: model.now.toISOString() }
    changed.status = { phase, containerStatuses: [{ name: 'c', state: { terminated } } as never] }
  })
}
const later = (model: Model, seconds: number) => void (model.now = new Date(model.now.getTime() + seconds * 1000))

describe('Job', () => {
  it('runs pods until enough have succeeded, counts each once and lets it go', () => {
    const model = withJob({ parallelism: 2, completions: 3 })
    model.settle(job)
    expect(active(model)).toHaveLength(2)
    for (let round = 0; round < 3; round++) {
      end(model, active(model)[0]!, 'Succeeded')
      model.settle(job)
    }
    expect(status(model)).toMatchObject({ succeeded: 3, terminating: 0, ready: 0 })
    expect(status(model).active).toBeUndefined()
    expect(status(model).completionTime).toBeDefined()
    expect(conditions(model)).toEqual(['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached'])
    expect(model.list('Pod')).toHaveLength(3)
    expect(model.list('Pod').every(({ metadata }) => !metadata.finalizers?.length)).toBe(true)
    expect(model.events.at(-1)).toEqual({ reason: 'Completed', message: 'Job completed' })
  })

  it('waits longer after each failure, and gives up after too many', () => {
    const model = withJob({ backoffLimit: 1 })
    model.settle(job)
    end(model, active(model)[0]!, 'Failed')
    model.settle(job)
    expect(active(model)).toHaveLength(0)
    const object = model.get('Job', 'default/pi')!
    expect(job.reconcile(object, job.observe(object, model.cache), model.now)).toEqual([{ do: 'requeue', afterMs: 10_000 }])
    later(model, 10)
    model.settle(job)
    end(model, active(model)[0]!, 'Failed')
    model.settle(job)
    expect(conditions(model)).toEqual(['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'])
    expect(status(model)).toMatchObject({ failed: 2 })
    expect(model.events.at(-1)?.message).toBe('Job has reached the specified backoff limit')
  })

  it('stops at its deadline', () => {
    const model = withJob({ activeDeadlineSeconds: 60 })
    model.settle(job)
    later(model, 60)
    model.settle(job)
    expect(active(model)).toHaveLength(0)
    expect(conditions(model)).toContain('Failed=True DeadlineExceeded')
  })

  it('gives every index one success', () => {
    const model = withJob({ completionMode: 'Indexed', completions: 3, parallelism: 3 })
    model.settle(job)
    const [pod] = active(model)
    expect(pod?.metadata.name).toMatch(/^pi-0-/)
    expect(pod?.spec.hostname).toBe('pi-0')
    expect(pod?.spec.containers[0]?.env).toMatchObject([{ name: 'JOB_COMPLETION_INDEX' }])
    for (const each of active(model)) end(model, each, 'Succeeded')
    model.settle(job)
    expect(status(model)).toMatchObject({ completedIndexes: '0-2', succeeded: 3 })
  })

  it('runs nothing while it is suspended', () => {
    const model = withJob({ suspend: true })
    model.settle(job)
    expect(model.list('Pod')).toHaveLength(0)
    expect(conditions(model)).toEqual(['Suspended=True JobSuspended'])
    model.change('Job', 'default/pi', ({ spec }) => void (spec.suspend = false))
    model.settle(job)
    expect(active(model)).toHaveLength(1)
    expect(conditions(model)).toEqual(['Suspended=False JobResumed'])
  })

  it.each<[string, string, string[]]>([
    ['ends the job', 'FailJob', ['FailureTarget=True PodFailurePolicy', 'Failed=True PodFailurePolicy']],
    ['does not count', 'Ignore', []],
  ])('follows a failure policy that %s', (_, action, expected) => {
    const model = withJob({
      backoffLimit: 0,
      podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] },
    })
    model.settle(job)
    end(model, active(model)[0]!, 'Failed', 42)
    model.settle(job)
    expect(conditions(model)).toEqual(expected)
  })

  it('counts right however pods end', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        (completions, parallelism, ends) => {
          const model = withJob({ completions, parallelism, backoffLimit: 100 })
          model.settle(job)
          let succeeded = 0
          let failed = 0
          for (const success of ends) {
            const pod = active(model)[0]
            if (!pod) break
            end(model, pod, success ? 'Succeeded' : 'Failed')
            if (success) succeeded++
            else failed++
            model.settle(job)
            later(model, 600)
            model.settle(job)
          }
          expect([status(model).succeeded ?? 0, status(model).failed ?? 0]).toEqual([succeeded, failed])
          expect(conditions(model).includes('Complete=True CompletionsReached')).toBe(succeeded >= completions)
          expect(model.run(job)).toBe(0)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('writes indexes as ranges and reads them back', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(50)), (indexes) => {
        expect(parseIndexes(formatIndexes(new Set(indexes)), 51)).toEqual(new Set(indexes.toSorted((a, b) => a - b)))
      }),
    )
    expect(formatIndexes(new Set([1, 3, 4, 5, 7, 8]))).toBe('1,3-5,7,8')
  })
})
