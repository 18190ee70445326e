/** PodNodeSelector (off by default): pods of a namespace go only to the nodes that its annotation selects. */
import type { Pod } from '../../../api/generated/types.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../plugin.ts'
import { isWriteOf, refuse } from '../refuse.ts'

const ANNOTATION = 'scheduler.alpha.kubernetes.io/node-selector'

export const podNodeSelector: AdmissionPlugin = {
  name: 'PodNodeSelector',
  handles: (attributes) => isWriteOf(attributes, 'pods', 'CREATE'),
  admit(attributes, { reader }) {
    const { spec } = attributes.object as Pod
    const selector = selectorOf(attributes, reader)
    if (!spec || Object.keys(selector).length === 0) return
    refuseConflict(attributes, selector)
    spec.nodeSelector = { ...selector, ...spec.nodeSelector }
  },
  validate(attributes, { reader }) {
    refuseConflict(attributes, selectorOf(attributes, reader))
  },
}

function selectorOf({ namespace }: AdmissionAttributes, reader: ClusterReader): Record<string, string> {
  const text = reader.get('Namespace', { name: namespace })?.metadata.annotations?.[ANNOTATION] ?? ''
  const pairs = text.split(',').map((pair) => pair.split('='))
  return Object.fromEntries(pairs.flatMap(([key = '', value = '']) => (key.trim() ? [[key.trim(), value.trim()]] : [])))
}

function refuseConflict(attributes: AdmissionAttributes, selector: Record<string, string>): void {
  const own = (attributes.object as Pod).spec?.nodeSelector ?? {}
  if (Object.keys(selector).every((key) => own[key] === undefined || own[key] === selector[key])) return
  throw refuse(attributes, 'pod node label selector conflicts with its namespace node label selector')
}
