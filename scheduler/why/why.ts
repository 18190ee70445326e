/** All that the scheduler knows of one pod: where it is, how each attempt went, and what would let it be scheduled. */
import type { Attempt } from './attempts.ts'
import { createPodInfo, schedulerNameOf } from '../pod-info.ts'
import type { WaitingPlace } from '../queue.ts'
import { findRelaxations, type Relaxation } from './relaxations.ts'
import type { CycleContext } from '../schedule-one.ts'

export interface Why {
  pod: string
  /** `assigned`: it has a node. `deciding`: an attempt is under way. `elsewhere`: no scheduler of ours is meant. */
  state: WaitingPlace | 'assigned' | 'deciding' | 'elsewhere' | 'unknown'
  node?: string
  nominatedNode?: string
  schedulerName?: string
  /** How often it has been tried since it came, and when it will be again at the latest, where that is known. */
  tries?: number
  since?: string
  nextTry?: string
  /** Plugins that refused it: an event that helps one of them wakes it. */
  waitsFor?: readonly string[]
  /** The newest last. */
  attempts: readonly Attempt[]
  /** Asked of the cluster as it is now. */
  relaxations: readonly Relaxation[]
}

export function explainPod(
  key: string,
  {
    snapshot,
    queue,
    attempts,
    profiles,
    waiting,
  }: Pick<CycleContext, 'snapshot' | 'queue' | 'attempts' | 'profiles' | 'waiting'>,
): Why {
  const known = { pod: key, attempts: attempts.of(key), relaxations: [] }
  const pod = snapshot.cache.of('Pod').get(key)
  if (!pod) return { ...known, state: 'unknown' }
  if (pod.spec.nodeName) return { ...known, state: 'assigned', node: pod.spec.nodeName }
  const schedulerName = schedulerNameOf(pod)
  const profile = profiles.get(schedulerName)
  if (!profile) return { ...known, state: 'elsewhere', schedulerName }
  const { uid } = pod.metadata
  const place = queue.find(uid)
  const nominated = pod.status?.nominatedNodeName
  return {
    ...known,
    schedulerName,
    state: place?.where ?? 'deciding',
    ...(nominated ? { nominatedNode: nominated } : {}),
    ...(place ? toQueued(place) : {}),
    ...(waiting.has(uid) ? { waitsFor: waiting.pluginsOf(uid) } : {}),
    relaxations: snapshot.placeOf(uid) ? [] : findRelaxations(createPodInfo(pod), snapshot, profile),
  }
}

function toQueued({ where, pod, dueAt }: NonNullable<ReturnType<CycleContext['queue']['find']>>): Partial<Why> {
  return {
    tries: pod.attempts,
    since: new Date(pod.since).toISOString(),
    ...(where === 'backoff' ? { nextTry: new Date(dueAt).toISOString() } : {}),
    ...(where === 'unschedulable' ? { waitsFor: [...pod.refusedBy].toSorted() } : {}),
  }
}
