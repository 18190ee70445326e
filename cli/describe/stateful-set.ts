/** A stateful set: its pods, how it updates them, and the claims that each of them gets. */
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatPhases, readOwnedPods } from './owned-pods.ts'
import { formatDate, Page } from './page.ts'
import { storageClassOf } from './persistent-volume-claim.ts'
import { describePodTemplate } from './pod-template.ts'

export const statefulSetDescriber: Describer<StatefulSet, Pod[]> = {
  kind: 'StatefulSet',
  group: 'apps',
  read: readOwnedPods,
  describe({ metadata, spec, status }, pods, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.line(0, 'CreationTimestamp:', formatDate(metadata.creationTimestamp))
    page.line(0, 'Selector:', formatLabelSelector(spec.selector))
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'Replicas:', `${spec.replicas ?? 1} desired | ${status?.replicas ?? 0} total`)
    page.line(0, 'Update Strategy:', spec.updateStrategy?.type)
    const { partition, maxUnavailable } = spec.updateStrategy?.rollingUpdate ?? {}
    if (partition !== undefined) {
      page.line(1, 'Partition:', partition)
      if (maxUnavailable !== undefined) page.line(1, 'MaxUnavailable:', maxUnavailable)
    }
    page.line(0, 'Pods Status:', formatPhases(pods))
    describePodTemplate(spec.template, page)
    describeClaimTemplates(page, spec.volumeClaimTemplates ?? [])
    return describeEvents(page, events, now).toString()
  },
}

function describeClaimTemplates(page: Page, templates: readonly PersistentVolumeClaim[]): void {
  if (templates.length === 0) {
    page.line(0, 'Volume Claims:', '<none>')
    return
  }
  page.line(0, 'Volume Claims:')
  for (const claim of templates) {
    page.line(1, 'Name:', claim.metadata.name)
    page.line(1, 'StorageClass:', storageClassOf(claim))
    page.pairs(1, 'Labels', claim.metadata.labels)
    // Written as labels are: kubectl does so here only.
    page.pairs(1, 'Annotations', claim.metadata.annotations)
    page.line(1, 'Capacity:', claim.spec.resources?.requests?.['storage'] ?? '<default>')
    page.line(1, 'Access Modes:', `[${(claim.spec.accessModes ?? []).join(' ')}]`)
  }
}
