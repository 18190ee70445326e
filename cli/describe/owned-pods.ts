/** The pods that a workload controls, and how many of them are in which phase. */
import type { LabelSelector, Pod } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import { isControlledBy, type KubeObject } from '../../api/object.ts'
import type { Session } from '../session.ts'

export async function readOwnedPods(
  { client }: Session,
  owner: KubeObject & { spec: { selector?: LabelSelector | undefined } },
): Promise<Pod[]> {
  const labelSelector = formatLabelSelector(owner.spec.selector)
  const { items } = await client.list('Pod', { namespace: owner.metadata.namespace, labelSelector })
  return items.filter((pod) => isControlledBy(pod, owner))
}

export function formatPhases(pods: readonly Pod[]): string {
  const count = (phase: string) => pods.filter((pod) => (pod.status?.phase ?? 'Pending') === phase).length
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`
}
