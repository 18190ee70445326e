/** TTL after finished: deletes jobs some time after they have ended, when they ask for it. */
import type { Job } from '../../api/generated/types.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { remove } from '../status-patch.ts'
import { isJobFinished } from './job.ts'

export const ttlAfterFinished: Controller<'Job', null> = {
  name: 'ttl-after-finished-controller',
  for: 'Job',
  observe: () => null,
  reconcile: (job, _, now) => reconcile(job, now),
}

export function reconcile(job: Job, now: Date): Action[] {
  const ttl = job.spec.ttlSecondsAfterFinished
  if (ttl === undefined || job.metadata.deletionTimestamp || !isJobFinished(job)) return []
  const end = job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')
  const waitMs = Date.parse(end?.lastTransitionTime ?? '') + ttl * 1000 - now.getTime()
  if (waitMs > 0) return [{ do: 'requeue', afterMs: waitMs }]
  return [{ ...remove(job), propagationPolicy: 'Foreground' } as Action]
}
