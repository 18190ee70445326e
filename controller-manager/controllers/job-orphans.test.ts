import { describe, expect, it } from 'vitest'
import type { Job, Pod } from '../../api/generated/types.ts'
import type { Cache } from '../../client/cache.ts'
import { jobOrphans, reconcile } from './job-orphans.ts'

const job: Job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'count', namespace: 'shop', uid: 'j1' },
  spec: { template: {} },
}
const pod = (owner?: string, finalizers = ['batch.kubernetes.io/job-tracking']): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'count-x',
    namespace: 'shop',
    uid: 'p1',
    finalizers,
    ...(owner && { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'count', uid: owner, controller: true }] }),
  },
  spec: { containers: [] },
})
const cache = (jobs: Job[]): Cache =>
  ({ of: () => ({ get: () => jobs[0], controlledBy: () => [pod('j1')] }) }) as unknown as Cache
const observed = (each: Pod, jobs: Job[]) => reconcile(each, jobOrphans.observe(each, cache(jobs)))

describe('the finalizer of a job', () => {
  it.each([
    ['its own job lives', pod('j1'), [job], 0],
    ['it was released', pod(), [job], 1],
    ['its job is gone', pod('j1'), [], 1],
    ['its job has a successor of the same name', pod('j0'), [job], 1],
    ['it has none', pod(undefined, ['other']), [], 0],
  ])('is taken off a pod only when nobody counts it: %s', (_, each, jobs, actions) => {
    expect(observed(each, jobs)).toHaveLength(actions)
  })

  it('is looked at again when the job goes', () => {
    const wakes = jobOrphans.watches![0]!.wakes as (job: Job, cache: Cache) => string[]
    expect(wakes(job, cache([job]))).toEqual([])
    expect(wakes(job, cache([]))).toEqual(['shop/count-x'])
  })
})
