/** Which nodes a daemon set runs on, and what its pods look like there. Pure. */
import type { DaemonSet, Node, Pod, PodSpec, Toleration } from '../../../api/generated/types.ts'
import { controllerReference, type New } from '../../../api/object.ts'
import { generateNameFor, podFromTemplate } from '../../pods.ts'
import { revisionHashLabel } from '../../history.ts'
import { fitsNode } from '../node/affinity.ts'
import { tolerates } from '../node/taints.ts'

const always = (key: string, effect: string): Toleration => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect })

const daemonTolerations: readonly Toleration[] = [
  always('not-ready', 'NoExecute'),
  always('unreachable', 'NoExecute'),
  always('disk-pressure', 'NoSchedule'),
  always('memory-pressure', 'NoSchedule'),
  always('pid-pressure', 'NoSchedule'),
  always('unschedulable', 'NoSchedule'),
]
const hostNetworkToleration = always('network-unavailable', 'NoSchedule')

const sameToleration = (a: Toleration, b: Toleration): boolean =>
  a.key === b.key && a.effect === b.effect && a.operator === b.operator

function withDaemonTolerations(spec: PodSpec): Toleration[] {
  const wanted = spec.hostNetwork ? [...daemonTolerations, hostNetworkToleration] : daemonTolerations
  const own = spec.tolerations ?? []
  return [...own, ...wanted.filter((toleration) => !own.some((each) => sameToleration(each, toleration)))]
}

export interface Fitness {
  shouldRun: boolean
  /** One that is there may stay although a new one would not be made: NoSchedule taints do not drive out. */
  mayStay: boolean
}

export function fitness({ spec }: DaemonSet, node: Node): Fitness {
  const podSpec = spec.template.spec ?? { containers: [] }
  if (podSpec.nodeName && podSpec.nodeName !== node.metadata.name) return { shouldRun: false, mayStay: false }
  if (!fitsNode(podSpec, node)) return { shouldRun: false, mayStay: false }
  const tolerations = withDaemonTolerations(podSpec)
  const unbearable = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  )
  return { shouldRun: unbearable.length === 0, mayStay: !unbearable.some(({ effect }) => effect === 'NoExecute') }
}

/** The scheduler binds it, to the one node that its affinity leaves. */
export function daemonPodFor(ds: DaemonSet, nodeName: string, hash: string): New<Pod> {
  const pod = podFromTemplate(ds.spec.template, ds.metadata.namespace, controllerReference(ds), {
    generateName: generateNameFor(ds),
  })
  pod.metadata.labels = { ...pod.metadata.labels, [revisionHashLabel]: hash }
  pod.spec.tolerations = withDaemonTolerations(pod.spec)
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [nodeName] }]
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}]
  pod.spec.affinity = {
    ...pod.spec.affinity,
    nodeAffinity: {
      ...pod.spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: required.map((term) => ({ ...term, matchFields })) },
    },
  }
  return pod
}

/** The node that a pod is on or waits for. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  return terms.flatMap(({ matchFields }) => matchFields ?? []).find(({ key }) => key === 'metadata.name')?.values?.[0]
}
