/** Since when the endpoints of a service are out of date: what programming latency is measured from. */
import type { Pod, Service } from '../../../api/generated/types.ts'
import { keyOf } from '../../../api/object.ts'
import { readyCondition } from '../../pods.ts'

const lastChangeTriggerTime = 'endpoints.kubernetes.io/last-change-trigger-time'

type Annotations = Record<string, string>

export interface TriggerTimes {
  /** The earliest change of the service's pods since it was asked for last; undefined when there was none that tells its time. */
  next(service: Service, pods: readonly Pod[]): string | undefined
  forget(key: string): void
}

/**
 * Readiness changes tell their time, so the last one of each pod is remembered. Like upstream's, an approximation: of several
 * changes of one pod between two looks the last is taken, and one whose write failed is not told again.
 */
export function createTriggerTimes(): TriggerTimes {
  const known = new Map<string, { uid: string; pods: Map<string, string> }>()
  return {
    next(service, pods) {
      const { uid, creationTimestamp } = service.metadata
      const before = known.get(keyOf(service))
      const times = pods.flatMap((pod): [string, string][] => {
        const time = readyCondition(pod)?.lastTransitionTime
        return time === undefined ? [] : [[pod.metadata.uid, time]]
      })
      known.set(keyOf(service), { uid, pods: new Map(times) })
      if (before?.uid !== uid) return creationTimestamp
      const isNews = (id: string, time: string) => Date.parse(time) > Date.parse(before.pods.get(id) ?? '1970-01-01T00:00:00Z')
      return times
        .filter(([id, time]) => isNews(id, time))
        .map(([, time]) => time)
        .toSorted((a, b) => Date.parse(a) - Date.parse(b))[0]
    },
    forget: (key) => void known.delete(key),
  }
}

/** Set with a write, taken away when it is not known: an old time would count as a very long delay. */
export function withTriggerTime(annotations: Annotations | undefined, time: string | undefined): Annotations {
  const { [lastChangeTriggerTime]: _, ...others } = annotations ?? {}
  return time === undefined ? others : { ...others, [lastChangeTriggerTime]: time }
}
