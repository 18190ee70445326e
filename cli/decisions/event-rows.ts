/** Events as `kubectl events` shows them. Pure. */
import type { CoreEvent } from '../../api/generated/types.ts'
import { ageOf } from '../../api/duration.ts'

/** When it was last seen, in milliseconds. */
export function lastSeen({ series, lastTimestamp, eventTime, firstTimestamp, metadata }: CoreEvent): number {
  const time = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? firstTimestamp ?? metadata.creationTimestamp
  return time ? Date.parse(time) : 0
}

/** `5m`, or `5m (x3 over 1h)` */
function interval(event: CoreEvent, now: Date): string {
  const first = ageOf(event.eventTime ?? event.firstTimestamp, now)
  const { series, count = 1 } = event
  if (series) return `${ageOf(series.lastObservedTime, now)} (x${series.count ?? 0} over ${first})`
  return count > 1 ? `${ageOf(event.lastTimestamp, now)} (x${count} over ${first})` : first
}

export const HEADERS = ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']

export function rowOf(event: CoreEvent, now: Date, withNamespace: boolean): string[] {
  const { kind = '', name = '' } = event.involvedObject
  return [
    ...(withNamespace ? [event.metadata.namespace ?? ''] : []),
    interval(event, now),
    event.type ?? '',
    event.reason ?? '',
    `${kind}/${name}`,
    (event.message ?? '').trim(),
  ]
}
