/** DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready or unreachable, unless it says otherwise. */
import type { Pod, Toleration } from '../../../api/generated/types.ts'
import type { AdmissionPlugin } from '../plugin.ts'
import { isWriteOf } from '../refuse.ts'

const SECONDS = 300
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (attributes) => isWriteOf(attributes, 'pods', 'CREATE', 'UPDATE'),
  admit({ object }) {
    const { spec } = object as Pod
    if (!spec) return
    for (const key of TAINTS) {
      if (spec.tolerations?.some((toleration) => concerns(toleration, key))) continue
      spec.tolerations = [
        ...(spec.tolerations ?? []),
        { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS },
      ]
    }
  },
}

const concerns = ({ key, effect }: Toleration, taint: string): boolean =>
  (!key || key === taint) && (!effect || effect === 'NoExecute')
