/** A namespace: its state, and the quotas and limits in it. */
import type { LimitRange, Namespace, ResourceQuota } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeLimits } from './limit-range.ts'
import { Page } from './page.ts'
import { describeQuotaIn } from './resource-quota.ts'

interface Limits {
  quotas: ResourceQuota[]
  ranges: LimitRange[]
}

export const namespaceDescriber: Describer<Namespace, Limits> = {
  kind: 'Namespace',
  group: '',
  read: async ({ client }, { metadata: { name: namespace } }) => {
    const [quotas, ranges] = await Promise.all([
      client.list('ResourceQuota', { namespace }),
      client.list('LimitRange', { namespace }),
    ])
    return { quotas: quotas.items, ranges: ranges.items }
  },
  describe({ metadata, status }, { quotas, ranges }) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'Status:', status?.phase)
    if (status?.conditions?.length) {
      page.line(0, 'Conditions:').line(1, 'Type', 'Status', 'LastTransitionTime', 'Reason', 'Message')
      for (const { type, status: value, lastTransitionTime, reason, message } of status.conditions)
        page.line(1, type, value, lastTransitionTime, reason, message)
    }
    page.line(0, '')
    if (quotas.length === 0) page.line(0, 'No resource quota.')
    else page.line(0, 'Resource Quotas')
    for (const quota of quotas.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) describeQuotaIn(page, quota)
    page.line(0, '')
    if (ranges.length === 0) return page.line(0, 'No LimitRange resource.').toString()
    page.line(0, 'Resource Limits')
    return describeLimits(page, ' ', ranges).toString()
  },
}
