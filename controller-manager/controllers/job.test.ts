import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JobSpec, Pod, SuccessPolicyRule } from '../../api/generated/types.ts'
import { createModel, type Model } from '../model.ts'
import { job } from './job.ts'
import { formatIndexes, parseIndexes } from './job/pods.ts'

const labels = { 'batch.kubernetes.io/controller-uid': 'job' }

function withJob(spec: Partial<JobSpec> = {}): Model {
  const model = createModel([job], { gracefulPods: true })
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

  it.each([{ suspend: true }, { parallelism: 0 }])('does not count pods as failed that it takes back: %o', (change) => {
    const model = withJob({ ...indexed, parallelism: 8, completions: 8, backoffLimitPerIndex: 0, maxFailedIndexes: 0 })
    model.settle(job)
    for (const { metadata } of active(model)) {
      model.change('Pod', `default/${metadata.name}`, (pod) => void (pod.status = { phase: 'Running' }))
    }
    model.change('Job', 'default/pi', ({ spec }) => void Object.assign(spec, change))
    model.settle(job)
    expect(status(model)).toMatchObject({ terminating: 8, failedIndexes: '' })
    expect(status(model).failed).toBeUndefined()
    // Each ends as a program that was told to.
    for (const { metadata } of model.list('Pod')) model.delete('Pod', `default/${metadata.name}`)
    model.change('Job', 'default/pi', ({ spec }) => void Object.assign(spec, { suspend: false, parallelism: 8 }))
    model.settle(job)
    expect(active(model)).toHaveLength(8)
    expect(status(model).failed).toBeUndefined()
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

  const indexed = { completionMode: 'Indexed', backoffLimit: undefined } as const
  const ofIndex = (model: Model, index: number) => active(model).find(({ metadata }) => metadata.name.startsWith(`pi-${index}-`))
  /** The index fails so often, with all the waiting between. */
  function fail(model: Model, index: number, times: number, exitCode = 1) {
    for (let time = 0; time < times; time++) {
      end(model, ofIndex(model, index)!, 'Failed', exitCode)
      model.settle(job)
      later(model, 600)
      model.settle(job)
    }
  }

  it('lets each index fail by itself, and says at the end which have', () => {
    const model = withJob({ ...indexed, completions: 2, parallelism: 2, backoffLimitPerIndex: 1 })
    model.settle(job)
    expect(status(model).failedIndexes).toBe('')
    end(model, ofIndex(model, 0)!, 'Failed')
    model.settle(job)
    // The count of failures would be lost with the pod, so it is held until its successor has it.
    expect(status(model).failed).toBeUndefined()
    expect(ofIndex(model, 0)).toBeUndefined()
    later(model, 10)
    model.settle(job)
    expect(ofIndex(model, 0)?.metadata.annotations).toMatchObject({ 'batch.kubernetes.io/job-index-failure-count': '1' })
    expect(status(model).failed).toBe(1)
    fail(model, 0, 1)
    expect(status(model)).toMatchObject({ failedIndexes: '0', failed: 2 })
    expect(ofIndex(model, 0)).toBeUndefined()
    end(model, ofIndex(model, 1)!, 'Succeeded')
    model.settle(job)
    expect(conditions(model)).toEqual(['FailureTarget=True FailedIndexes', 'Failed=True FailedIndexes'])
    expect(status(model)).toMatchObject({ failedIndexes: '0', completedIndexes: '1', failed: 2, succeeded: 1 })
  })

  it('ends when more indexes have failed than may', () => {
    const model = withJob({ ...indexed, completions: 4, parallelism: 4, backoffLimitPerIndex: 0, maxFailedIndexes: 1 })
    model.settle(job)
    fail(model, 0, 1)
    expect(conditions(model)).toEqual([])
    fail(model, 2, 1)
    for (const pod of model.list('Pod').filter(({ status }) => !status?.phase))
      model.delete('Pod', `default/${pod.metadata.name}`)
    model.settle(job)
    expect(conditions(model)).toContain('Failed=True MaxFailedIndexesExceeded')
    // Those that were ended for it count as failed as well, as upstream's do.
    expect(status(model).failedIndexes).toBe('0-3')
  })

  it.each<[string, string, string | undefined]>([
    ['gives an index up at once', 'FailIndex', '0'],
    ['never counts what it ignores', 'Ignore', ''],
  ])('follows a failure policy that %s', (_, action, failedIndexes) => {
    const model = withJob({
      ...indexed,
      completions: 2,
      parallelism: 2,
      backoffLimitPerIndex: 1,
      podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] },
    })
    model.settle(job)
    fail(model, 0, action === 'Ignore' ? 4 : 1, 42)
    expect(status(model).failedIndexes).toBe(failedIndexes)
  })

  it.each<[string, SuccessPolicyRule, number[], boolean]>([
    ['enough of any', { succeededCount: 2 }, [0, 3], true],
    ['too few of any', { succeededCount: 3 }, [0, 3], false],
    ['all of the listed', { succeededIndexes: '1,3' }, [1, 3], true],
    ['not all of the listed', { succeededIndexes: '1-3' }, [1, 3], false],
    ['enough of the listed', { succeededIndexes: '1-3', succeededCount: 2 }, [1, 3], true],
    ['enough, but not of the listed', { succeededIndexes: '1-2', succeededCount: 1 }, [0, 3], false],
  ])('with a success policy knows %s', (_, rule, succeed, met) => {
    const model = withJob({ ...indexed, completions: 4, parallelism: 4, successPolicy: { rules: [rule] } })
    model.settle(job)
    for (const index of succeed) end(model, ofIndex(model, index)!, 'Succeeded')
    model.settle(job)
    expect(conditions(model)).toEqual(met ? ['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy'] : [])
  })

  it.each<[string, number]>([
    ['TerminatingOrFailed', 1],
    ['Failed', 0],
  ])('with pod replacement policy %s has %i new pods while an old one ends', (podReplacementPolicy, expected) => {
    const model = withJob({ podReplacementPolicy })
    model.settle(job)
    model.change('Pod', `default/${active(model)[0]!.metadata.name}`, (pod) => {
      pod.status = { phase: 'Running' }
      pod.metadata.deletionTimestamp = model.now.toISOString()
    })
    model.settle(job)
    later(model, 10)
    model.settle(job)
    expect(active(model)).toHaveLength(expected)
    expect(status(model).terminating).toBe(1)
  })

  it('counts right however the pods of each index end, and settles', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 }),
        fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 20 }),
        (backoffLimitPerIndex, ends) => {
          const model = withJob({ ...indexed, completions: 4, parallelism: 4, backoffLimitPerIndex })
          model.settle(job)
          let failed = 0
          const failures = [0, 0, 0, 0]
          for (const [index, success] of ends) {
            const pod = ofIndex(model, index)
            if (!pod) continue
            end(model, pod, success ? 'Succeeded' : 'Failed')
            if (!success) {
              failed++
              failures[index]!++
            }
            model.settle(job)
            later(model, 600)
            model.settle(job)
          }
          expect(status(model).failed ?? 0).toBe(failed)
          const gaveUp = failures.flatMap((count, index) => (count > backoffLimitPerIndex ? [index] : []))
          expect(parseIndexes(status(model).failedIndexes, 4)).toEqual(new Set(gaveUp))
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
