/** The events at the end of most descriptions. */
import { ageOf } from '../../api/duration.ts'
import type { CoreEvent } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Session } from '../session.ts'
import type { Page } from './page.ts'

export async function readEvents({ client }: Session, { kind, metadata }: KubeObject): Promise<CoreEvent[]> {
  const fieldSelector = [
    `involvedObject.name=${metadata.name}`,
    `involvedObject.kind=${kind}`,
    // Events about nodes name the node where its UID should be.
    ...(kind === 'Node' ? [] : [`involvedObject.uid=${metadata.uid}`]),
  ].join(',')
  const { items } = await client.list('Event', { namespace: metadata.namespace, fieldSelector })
  return items.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b)))
}

const timeOf = ({ lastTimestamp, eventTime, series, metadata }: CoreEvent): string =>
  series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''

const firstTimeOf = ({ firstTimestamp, eventTime, metadata }: CoreEvent): string | undefined =>
  firstTimestamp ?? eventTime ?? metadata.creationTimestamp

export function describeEvents(page: Page, events: readonly CoreEvent[], now: Date): Page {
  if (events.length === 0) return page.line(0, 'Events:', '<none>')
  page.line(0, 'Events:')
  page.line(1, 'Type', 'Reason', 'Age', 'From', 'Message')
  page.line(1, '----', '------', '----', '----', '-------')
  for (const event of events) {
    const count = event.series?.count ?? event.count ?? 1
    const age = ageOf(timeOf(event), now)
    const times = count > 1 ? `${age} (x${count} over ${ageOf(firstTimeOf(event), now)})` : age
    const from = event.source?.component || event.reportingComponent || ''
    page.line(1, event.type, event.reason, times, from, (event.message ?? '').trim())
  }
  return page
}
