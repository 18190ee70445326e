/** TaintNodesByCondition: a node is born not ready, so that nothing is scheduled on it before its kubelet has reported. */
import type { Node } from '../../../api/generated/types.ts'
import type { AdmissionPlugin } from '../plugin.ts'
import { isWriteOf } from '../refuse.ts'

const KEY = 'node.kubernetes.io/not-ready'
const EFFECT = 'NoSchedule'

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (attributes) => isWriteOf(attributes, 'nodes', 'CREATE'),
  admit({ object }) {
    const node = object as Node
    const taints = node.spec?.taints ?? []
    if (taints.some(({ key, effect }) => key === KEY && effect === EFFECT)) return
    node.spec = { ...node.spec, taints: [...taints, { key: KEY, effect: EFFECT }] }
  },
}
