/** The last of a pod on this node: its volumes and cgroups are given back, the API is told, its folders go. */
import { rm } from 'node:fs/promises'
import { isConflict, isNotFound } from '../../../api/status.ts'
import { causeOf } from '../../../client/cause.ts'
import { tearDownVolumes } from '../../volumes/pod-volumes.ts'
import type { PodScope } from './pod-scope.ts'

export async function release({ state, context, pulls }: PodScope): Promise<void> {
  pulls.abort()
  await tearDownVolumes(state.pod.metadata.uid, { ...context.platform, paths: context.paths })
  context.cgroups.remove(state.pod)
  state.released = true
}

/** The API hears how the pod ended before it hears that nothing is left of it. */
export async function finish({ state, context }: PodScope): Promise<void> {
  const { uid, namespace, name } = state.pod.metadata
  await context.statuses.flush(uid)
  const options = { gracePeriodSeconds: 0, preconditions: { uid }, cause: causeOf('Pod', state.pod) }
  try {
    await context.client.delete('Pod', { namespace, name }, options)
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
  state.finished = true
}

export async function forget({ state, context, pulls }: PodScope): Promise<void> {
  const { uid, namespace = '', name } = state.pod.metadata
  pulls.abort()
  context.images.forget(state.pod)
  context.statuses.forget(uid)
  context.probeCounts.forget(uid)
  await rm(context.paths.podDirectory(uid), { recursive: true, force: true })
  await rm(context.paths.podLogDirectory({ namespace, name, uid }), { recursive: true, force: true })
}
