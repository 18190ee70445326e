/** Pods that no job counts any more give up the finalizer that kept them for counting: released ones, and those whose job is gone. */
import type { Job, Pod } from '../../api/generated/types.ts'
import { controllerOf, keyOf } from '../../api/object.ts'
import type { Cache } from '../../client/cache.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { isTracked, releasePod } from './job/pods.ts'

export const jobOrphans: Controller<'Pod', Job | undefined> = {
  name: 'job-orphan-pods-controller',
  for: 'Pod',
  watches: [{ kind: 'Job', wakes: podsOfGone }],
  observe(pod, cache) {
    const owner = controllerOf(pod)
    if (owner?.kind !== 'Job' || !isTracked(pod)) return undefined
    const job = cache.of('Job').get({ namespace: pod.metadata.namespace, name: owner.name })
    return job?.metadata.uid === owner.uid ? job : undefined
  },
  reconcile,
}

/** A job that lives sees to its own pods. */
function podsOfGone(job: Job, cache: Cache): string[] {
  if (cache.of('Job').get(keyOf(job))?.metadata.uid === job.metadata.uid) return []
  return cache.of('Pod').controlledBy(job.metadata.uid).map(keyOf)
}

export function reconcile(pod: Pod, job: Job | undefined): Action[] {
  if (!isTracked(pod) || job) return []
  return [releasePod(pod)]
}
