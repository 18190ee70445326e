/** DefaultIngressClass: an Ingress that names no class gets the default one, where there is one. */
import type { Ingress, IngressClass } from '../../api/generated/types.ts'
import type { AdmissionPlugin, ClusterReader } from './plugin.ts'
import { isWriteOf } from './refuse.ts'

const LEGACY_CLASS = 'kubernetes.io/ingress.class'
const IS_DEFAULT = 'ingressclass.kubernetes.io/is-default-class'

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  handles: (attributes) => isWriteOf(attributes, 'ingresses.networking.k8s.io', 'CREATE'),
  admit({ object }, { reader }) {
    const { spec, metadata } = object as Ingress
    if (!spec || spec.ingressClassName !== undefined || metadata.annotations?.[LEGACY_CLASS] !== undefined) return
    const found = findDefault(reader)
    if (found) spec.ingressClassName = found.metadata.name
  },
}

/** Of several, the newest; of those made in the same second, the first by name. */
function findDefault(reader: ClusterReader): IngressClass | undefined {
  const age = ({ metadata }: IngressClass): number => Date.parse(metadata.creationTimestamp ?? '') || 0
  return reader
    .list('IngressClass')
    .filter(({ metadata }) => metadata.annotations?.[IS_DEFAULT] === 'true')
    .sort((a, b) => age(b) - age(a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]
}
