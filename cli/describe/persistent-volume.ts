/** A persistent volume: what it is made of, where it can be used, and the claim that has it. */
import type { NodeSelectorRequirement, PersistentVolume, VolumeNodeAffinity } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { Page } from './page.ts'
import { formatAccessModes, formatPhase, storageClassOf } from './persistent-volume-claim.ts'
import { describeVolumeSource } from './volumes.ts'

export const persistentVolumeDescriber: Describer<PersistentVolume> = {
  kind: 'PersistentVolume',
  group: '',
  describe(volume, _, events, now) {
    const { metadata, spec, status } = volume
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'Finalizers:', `[${(metadata.finalizers ?? []).join(' ')}]`)
    page.line(0, 'StorageClass:', storageClassOf(volume))
    page.line(0, 'Status:', formatPhase(volume, now))
    page.line(0, 'Claim:', spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '')
    page.line(0, 'Reclaim Policy:', spec.persistentVolumeReclaimPolicy)
    page.line(0, 'Access Modes:', formatAccessModes(spec.accessModes))
    if (spec.volumeMode) page.line(0, 'VolumeMode:', spec.volumeMode)
    page.line(0, 'Capacity:', spec.capacity?.['storage'] ?? '0')
    describeAffinity(page, spec.nodeAffinity)
    page.line(0, 'Message:', status?.message)
    page.line(0, 'Source:')
    describeVolumeSource(page, spec)
    return describeEvents(page, events, now).toString()
  },
}

function describeAffinity(page: Page, affinity: VolumeNodeAffinity | undefined): void {
  const terms = affinity?.required?.nodeSelectorTerms
  page.line(0, 'Node Affinity:', terms ? '' : '<none>')
  if (!terms) return
  page.line(1, 'Required Terms:', terms.length > 0 ? '' : '<none>')
  terms.forEach(({ matchExpressions = [] }, index) => page.list(2, `Term ${index}`, matchExpressions.map(formatRequirement)))
}

const formatRequirement = ({ key, operator, values = [] }: NodeSelectorRequirement): string =>
  `${key} ${operator.toLowerCase()}${values.length > 0 ? ` [${values.join(', ')}]` : ''}`
