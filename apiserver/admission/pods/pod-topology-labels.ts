/** PodTopologyLabels: a pod that goes to a node learns its zone and region, as labels that its containers can read. */
import type { Binding, Pod } from '../../../api/generated/types.ts'
import type { AdmissionPlugin } from '../plugin.ts'
import { isResource } from '../refuse.ts'

const COPIED = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  handles: (attributes) =>
    attributes.operation === 'CREATE' &&
    (attributes.subresource === '' || attributes.subresource === 'binding') &&
    isResource(attributes, 'pods'),
  admit({ object, subresource }, { reader }) {
    const node = subresource === 'binding' ? (object as Binding).target.name : (object as Pod).spec?.nodeName
    // A node that is not known is for others to refuse.
    const labels = node ? reader.get('Node', { name: node })?.metadata.labels : undefined
    if (!object || !labels) return
    for (const key of COPIED) {
      if (labels[key] !== undefined) object.metadata.labels = { ...object.metadata.labels, [key]: labels[key] }
    }
  },
}
