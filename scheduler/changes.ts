/** The changes that plugins think of when they say what would help. */
import type { Affinity, Node, Pod, PodSpec, Taint } from '../api/generated/types.ts'
import type { Change } from './framework.ts'

/** The same pod with another spec. */
export const withSpec = (pod: Pod, spec: Partial<PodSpec>): Pod => ({ ...pod, spec: { ...pod.spec, ...spec } })

export const withAffinity = (pod: Pod, affinity: Affinity): Pod =>
  withSpec(pod, { affinity: { ...pod.spec.affinity, ...affinity } })

const withLabels = (node: Node, labels: Readonly<Record<string, string | undefined>>): Node => ({
  ...node,
  metadata: {
    ...node.metadata,
    labels: Object.fromEntries(
      Object.entries({ ...node.metadata.labels, ...labels }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  },
})

/** `key=value:Effect`, as kubectl writes taints. */
export const taintToString = ({ key, value, effect }: Taint): string => `${key}${value ? `=${value}` : ''}:${effect}`

export const tolerate = (taint: Taint): Change => ({
  kind: `tolerate ${taintToString(taint)}`,
  text: `it tolerated the taint ${taintToString(taint)}`,
  cost: 0,
  pod: (pod) =>
    withSpec(pod, {
      tolerations: [
        ...(pod.spec.tolerations ?? []),
        { key: taint.key, operator: 'Equal', value: taint.value ?? '', effect: taint.effect },
      ],
    }),
})

export const withoutTaint = (node: Node, key: string): Node => ({
  ...node,
  spec: { ...node.spec, taints: node.spec?.taints?.filter((taint) => taint.key !== key) ?? [] },
})

export const uncordon: Change = {
  kind: 'uncordon',
  text: 'the node were uncordoned',
  cost: 0,
  node: (node) => withoutTaint({ ...node, spec: { ...node.spec, unschedulable: false } }, 'node.kubernetes.io/unschedulable'),
}

/** Labels that say what a node is: nobody changes these to suit a pod. */
const isInborn = (key: string): boolean => /(^|\.)kubernetes\.io\//.test(key)

/** Null when the node has one already that says what it is. */
export function relabel(node: Node, wanted: Readonly<Record<string, string | undefined>>): Change | null {
  const current = node.metadata.labels ?? {}
  const changed = Object.entries(wanted).filter(([key, value]) => current[key] !== value)
  if (changed.some(([key]) => isInborn(key) && current[key] !== undefined)) return null
  const said = changed.map(([key, value]) =>
    value === undefined ? `did not have the label ${key}` : `had the label ${key}=${value}`,
  )
  return {
    kind: `label ${changed.map(([key, value]) => `${key}=${value ?? ''}`).join()}`,
    text: `the node ${said.join(' and ')}`,
    cost: 0.1,
    node: (before) => withLabels(before, wanted),
  }
}
